import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { WebhookClient, type AddressSettings, type ResolveHost } from '@sluice/webhooks';

/** Lets odd ports through the look at the URL, so that it is the address that decides. */
const ELSEWHERE: AddressSettings = { allowHttp: true, allowNetworks: ['192.0.2.0/24'] };
const HERE: AddressSettings = { allowHttp: true, allowNetworks: ['127.0.0.0/8'] };

describe('the guard of addresses that callers choose (F28)', () => {
  let server: Server;
  let port: number;
  let connections = 0;
  let paths: string[] = [];
  beforeAll(async () => {
    server = createServer((req, res) => {
      paths.push(req.url!);
      if (req.url === '/redirect') res.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data' });
      if (req.url === '/circle') res.writeHead(302, { location: `http://127.0.0.1:${port}/target` });
      res.end();
    }).listen(0, '127.0.0.1');
    server.on('connection', () => connections++);
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  beforeEach(() => {
    connections = 0;
    paths = [];
  });
  afterAll(() => server.close().closeAllConnections());

  const post = async (addresses: AddressSettings, url: string, resolve: ResolveHost): Promise<unknown> => {
    const client = new WebhookClient({ addresses, resolve, nowMs: Date.now });
    try {
      return await client.post(url, {}, '{}');
    } finally {
      await client.stop();
    }
  };
  const to =
    (...addresses: string[]): ResolveHost =>
    () =>
      Promise.resolve(addresses);
  const url = (host: string, path = '/'): string => `http://${host}:${port}${path}`;
  const blocked = { kind: 'unanswered', error: 'blocked_address' };

  it.each(['127.0.0.1', '0x7f.1', '2130706433', '017700000001', '0', '[::ffff:127.0.0.1]', 'localhost', 'u@127.0.0.1'])(
    'makes no connection to %s',
    async (host) => {
      expect(await post(ELSEWHERE, url(host), to('127.0.0.1'))).toEqual(blocked);
      expect(connections).toBe(0);
    },
  );

  it('makes no connection to a name that resolves to this machine, and does where its network is allowed', async () => {
    expect(await post(ELSEWHERE, url('hook.example'), to('127.0.0.1'))).toEqual(blocked);
    expect(await post(ELSEWHERE, url('hook.example'), to('::ffff:127.0.0.1'))).toEqual(blocked);
    expect(connections).toBe(0);
    expect(await post(HERE, url('hook.example'), to('127.0.0.1'))).toEqual({ kind: 'answered', status: 200 });
    expect(connections).toBe(1);
  });

  it('refuses a name of which any address is refused, in whatever place', async () => {
    for (const addresses of [
      ['127.0.0.1', '169.254.169.254'],
      ['10.0.0.1', '127.0.0.1'],
    ]) {
      expect(await post(HERE, url('mixed.example'), to(...addresses))).toEqual(blocked);
    }
    expect(connections).toBe(0);
  });

  it('looks at a name anew for each connection, and connects to what it looked at', async () => {
    let asked = 0;
    const rebinding: ResolveHost = () => Promise.resolve([asked++ === 0 ? '127.0.0.1' : '169.254.169.254']);
    const client = new WebhookClient({ addresses: HERE, resolve: rebinding, nowMs: Date.now });
    expect(await client.post(url('rebinds.example'), {}, '{}')).toEqual({ kind: 'answered', status: 200 });
    expect(asked).toBe(1); // a second look between check and connection would be the hole
    server.closeAllConnections();
    expect(await client.post(url('rebinds.example'), {}, '{}')).toEqual(blocked);
    expect(asked).toBe(2);
    await client.stop();
    expect(connections).toBe(1);
  });

  it('follows no redirect', async () => {
    expect(await post(HERE, url('127.0.0.1', '/redirect'), to())).toEqual({ kind: 'answered', status: 307 });
    expect(await post(HERE, url('127.0.0.1', '/circle'), to())).toEqual({ kind: 'answered', status: 302 });
    expect(paths).toEqual(['/redirect', '/circle']);
    expect(connections).toBe(2);
  });

  it('says when a name has no address', async () => {
    expect(await post(HERE, url('nowhere.example'), to())).toEqual({ kind: 'unanswered', error: 'dns_failed' });
  });

  it('goes on to the next address of a name when one does not answer', async () => {
    const addresses = to('127.255.255.254', '127.0.0.1'); // nothing listens at the first
    expect(await post(HERE, url('two.example'), addresses)).toEqual({ kind: 'answered', status: 200 });
  });
});
