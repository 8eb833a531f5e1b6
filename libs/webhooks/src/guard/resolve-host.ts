import { lookup, Resolver } from 'node:dns/promises';
import { isThisMachine } from './check-url.js';

/** All addresses of a name. @throws when it has none, or nobody answers */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

const NEGATIVE = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME']);

/**
 * Asks the name servers over sockets of our own. `dns.lookup` would hold one of the few threads that all files and names of
 * this process share, for as long as a caller's slow name server likes. It is asked only where the servers say that there is
 * no such name: for the hosts file and the search domains of this machine, which nobody outside answers for.
 */
export function hostResolver(): ResolveHost {
  const servers = new Resolver({ timeout: 3_000, tries: 2 });
  return async (host) => {
    if (isThisMachine(host)) return ['127.0.0.1', '::1'];
    const [v4, v6] = await Promise.allSettled([servers.resolve4(host), servers.resolve6(host)]);
    const found = [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length > 0) return found;
    const reasons = [v4, v6].flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as Error] : []));
    const silent = reasons.find((reason) => !NEGATIVE.has((reason as NodeJS.ErrnoException).code ?? ''));
    if (silent !== undefined) throw silent;
    return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
  };
}
