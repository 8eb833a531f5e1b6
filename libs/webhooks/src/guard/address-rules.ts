import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/**
 * Networks that a caller's URL must not lead to: this machine, private and link-local networks with their metadata services,
 * and IPv6 forms that hold an IPv4 address, which a gateway on the way would unwrap. Source: FAULTS.md 5 of the design; below
 * the line what RFC 6890 adds.
 */
const BLOCKED_NETWORKS = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/128',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
  'ff00::/8',
  '64:ff9b::/96',
  '2002::/16',
  // ―――
  '::/96', // IPv4-compatible
  '::ffff:0:0:0/96', // IPv4-translated (SIIT)
  '64:ff9b:1::/48', // NAT64 of local use
  '2001::/32', // Teredo
  'fec0::/10', // site-local, before fc00::/7
].map((text) => ipaddr.parseCIDR(text));

type Address = ipaddr.IPv4 | ipaddr.IPv6;
type Network = [Address, number];

export interface AddressSettings {
  /** Also `http:`, and its port 80. */
  readonly allowHttp: boolean;
  /** CIDR. Addresses in them are reached although they are blocked, and at any port: whoever names a network knows what is there. */
  readonly allowNetworks: readonly string[];
}

/** Which addresses and ports may be connected to on a caller's word. */
export class AddressRules {
  readonly allowHttp: boolean;
  private readonly allowed: readonly Network[];

  /** @throws when a network is no CIDR */
  constructor({ allowHttp, allowNetworks }: AddressSettings) {
    this.allowHttp = allowHttp;
    this.allowed = allowNetworks.map((text) => ipaddr.parseCIDR(text));
  }

  get hasAllowedNetworks(): boolean {
    return this.allowed.length > 0;
  }

  /** @param address a literal, without brackets; anything else is refused */
  permits(address: string, port: number): boolean {
    const parsed = plainAddress(address);
    if (parsed === undefined) return false;
    if (isIn(this.allowed, parsed)) return true;
    return !isIn(BLOCKED_NETWORKS, parsed) && this.isUsualPort(port);
  }

  isUsualPort(port: number): boolean {
    return port === 443 || (this.allowHttp && port === 80);
  }
}

/** IPv4 inside IPv6 (`::ffff:127.0.0.1`) is IPv4. */
function plainAddress(text: string): Address | undefined {
  const [bare = ''] = text.split('%'); // a zone names an interface of this machine, and changes nothing
  return isIP(bare) === 0 ? undefined : ipaddr.process(bare);
}

const isIn = (networks: readonly Network[], address: Address): boolean =>
  networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
