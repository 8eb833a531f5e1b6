import { createHash } from 'node:crypto';
import { plainValueOf, type YamlMap } from '../yaml/node.js';
import { referenceIn } from '../yaml/resolve-references.js';

/** What says where a deployment goes. Keys among them count by the name of their variable only, never by value. */
const WHERE = [
  'custom_llm_provider',
  'api_base',
  'base_url',
  'api_version',
  'organization',
  'region_name',
  'litellm_credential_name',
];
const SECRETS = ['api_key', 'azure_ad_token', 'tenant_id', 'client_id', 'client_secret'];

/**
 * The id of a deployment that has none: SHA-256, 16 hex, of its name and of what says where it goes. Limits, weights and
 * times are left out, so that a reload which changes only those keeps the deployment's cooldown, breaker and leases.
 */
export function hashedId(group: string, fullModel: string, params: YamlMap): string {
  const parts: unknown[] = [group, fullModel];
  for (const key of WHERE) {
    const node = params.entries.get(key);
    if (node === undefined) continue;
    const reference = referenceIn(node);
    parts.push([key, reference === undefined ? plainValueOf(node) : `os.environ/${reference}`]);
  }
  for (const key of SECRETS) {
    const node = params.entries.get(key);
    const reference = node && referenceIn(node);
    if (reference !== undefined) parts.push([key, `os.environ/${reference}`]);
  }
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
