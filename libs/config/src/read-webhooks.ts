import { isIP } from 'node:net';
import { Section } from './section.js';
import { sortKeys } from './sort-keys.js';

/** Which addresses callbacks may go to, beside public ones by https on port 443. */
export interface WebhookSettings {
  /** Also `http:`, and its port 80. Default false. */
  readonly allowHttp: boolean;
  /** CIDR: private networks that may be called, at any port. Default none. */
  readonly allowNetworks: readonly string[];
}

/** `sluice.webhooks`. */
export function readWebhooks(sluice: Section | undefined): WebhookSettings {
  const webhooks = sluice?.section('webhooks');
  if (webhooks === undefined) return { allowHttp: false, allowNetworks: [] };
  sortKeys('sluiceWebhooks', webhooks.map, webhooks.book);
  return { allowHttp: webhooks.flag('allow_http') ?? false, allowNetworks: readNetworks(webhooks) };
}

function readNetworks(webhooks: Section): string[] {
  return (webhooks.list('allow_networks') ?? []).flatMap((node) => {
    const text = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : '';
    if (isNetwork(text)) return [text];
    webhooks.wrong(node, 'a network in CIDR form such as 10.20.0.0/16', 'not');
    return [];
  });
}

function isNetwork(text: string): boolean {
  const [, address = '', bits = ''] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128);
}
