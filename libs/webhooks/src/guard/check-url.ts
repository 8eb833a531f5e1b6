import { isIP } from 'node:net';
import type { AddressRules } from './address-rules.js';

const MOST_CHARACTERS = 2_048;

/** `malformed`: no URL at all. `forbidden`: one that may not be called, as can be seen without asking anybody. */
export type UrlProblem = { kind: 'malformed' | 'forbidden'; message: string };

const malformed = (message: string): UrlProblem => ({ kind: 'malformed', message });
const forbidden = (message: string): UrlProblem => ({ kind: 'forbidden', message });

/**
 * What is wrong with a URL that a caller wants to be called; undefined: nothing that shows. WHATWG's parser turns every
 * notation of an IPv4 address (`0x7f.1`, `2130706433`, `0`) into the usual one. What names resolve to is looked at when
 * connecting, each time: guarded-connector.ts.
 */
export function urlProblem(text: string, rules: AddressRules): UrlProblem | undefined {
  if (text.length > MOST_CHARACTERS) return malformed(`is longer than ${MOST_CHARACTERS} characters`);
  const url = URL.parse(text);
  if (url === null) return malformed('is not an absolute URL');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && rules.allowHttp)) {
    return forbidden(rules.allowHttp ? 'must begin with https:// or http://' : 'must begin with https://');
  }
  if (url.username !== '' || url.password !== '') return forbidden('must not hold a user name or a password');
  const host = bareHost(url.hostname);
  const port = portOf(url);
  if (isIP(host) !== 0) {
    return rules.permits(host, port) ? undefined : forbidden('leads to an address or a port that is not allowed');
  }
  if (isThisMachine(host)) return rules.permits('127.0.0.1', port) ? undefined : forbidden('leads to this machine');
  if (rules.isUsualPort(port) || rules.hasAllowedNetworks) return undefined;
  return forbidden(`must not name a port${rules.allowHttp ? ' other than 443 and 80' : ' other than 443'}`);
}

export const portOf = ({ port, protocol }: { port?: string | null; protocol: string }): number =>
  port ? Number(port) : protocol === 'https:' ? 443 : 80;

/** Without the brackets of IPv6 and the dot of the root. */
export const bareHost = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');

/** RFC 6761: the whole domain is the loopback's. */
export const isThisMachine = (host: string): boolean => /^(?:.*\.)?localhost$/i.test(host);
