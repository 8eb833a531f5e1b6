import { isIP, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { AddressRules } from './address-rules.js';
import { bareHost, portOf } from './check-url.js';
import type { ResolveHost } from './resolve-host.js';

/** The host has an address that may not be connected to. */
export class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddressError';
}

/** The host has no address, or nobody could say. */
export class UnresolvedHostError extends Error {
  override readonly name = 'UnresolvedHostError';
}

const CONNECT_MS = 5_000;
const MOST_ADDRESSES_TRIED = 3;

/**
 * Connects undici to hosts that callers chose. The host is resolved here, once for each connection; if any of its addresses
 * is refused the whole host is (who mixes them wants us to try); the connection goes to the very address that was checked, so
 * a name that resolves to something else a moment later gains nothing; and the socket's other end is looked at once more.
 * Literals never reach undici's own `lookup`, hence a connector and not that option.
 */
export function guardedConnector(rules: () => AddressRules, resolve: ResolveHost): buildConnector.connector {
  const connect = buildConnector({ timeout: CONNECT_MS, allowH2: false });
  return (options, callback) => void answer(options, callback);

  async function answer(options: buildConnector.Options, callback: buildConnector.Callback): Promise<void> {
    let socket: Socket;
    try {
      socket = await open(options);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    callback(null, socket);
  }

  async function open(options: buildConnector.Options): Promise<Socket> {
    const host = bareHost(options.hostname);
    const port = portOf(options);
    const addresses = isIP(host) === 0 ? await resolved(host) : [host];
    const current = rules();
    if (!addresses.every((address) => current.permits(address, port))) throw new BlockedAddressError(host);
    let failure: unknown;
    for (const address of addresses.slice(0, MOST_ADDRESSES_TRIED)) {
      try {
        const socket = await connectTo(address, host, options);
        if (current.permits(socket.remoteAddress ?? '', port)) return socket;
        socket.destroy();
        throw new BlockedAddressError(host);
      } catch (error) {
        if (error instanceof BlockedAddressError) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async function resolved(host: string): Promise<readonly string[]> {
    const addresses = await resolve(host).catch((cause: unknown) => {
      throw new UnresolvedHostError(host, { cause });
    });
    if (addresses.length === 0) throw new UnresolvedHostError(host);
    return addresses;
  }

  function connectTo(address: string, host: string, options: buildConnector.Options): Promise<Socket> {
    const servername = isIP(host) === 0 ? { servername: host } : {}; // certificates are for names
    return new Promise((done, failed) => {
      connect({ ...options, ...servername, hostname: address }, (error, socket) =>
        error === null ? done(socket) : failed(error),
      );
    });
  }
}
