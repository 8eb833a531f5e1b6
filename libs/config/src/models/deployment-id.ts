import { createHash } from 'node:crypto';
import type { ReportBook } from '../report-book.js';
import type { Section } from '../section.js';
import { plainValueOf, type Place, type YamlMap } from '../yaml/node.js';
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

/** Ids are unique in the configuration: they stand in headers and in Redis keys. */
export class IdBook {
  private readonly explicit = new Map<string, Place>();
  private readonly taken = new Set<string>();

  constructor(private readonly book: ReportBook) {}

  of(info: Section | undefined, hash: string): string {
    const node = info?.map.entries.get('id');
    if (info === undefined || node === undefined) return this.claim(hash);
    const id = node.kind === 'scalar' && typeof node.value === 'number' ? node.text : info.string('id');
    if (id === undefined) return this.claim(hash);
    if (!/^[\x20-\x7e]{1,200}$/.test(id)) {
      this.book.error(node.place, 'string', 'must be 1 to 200 printable ASCII characters: it stands in headers');
      return this.claim(hash);
    }
    const first = this.explicit.get(id);
    if (first !== undefined) {
      const lines = first.file === node.place.file ? `line ${first.line}` : `${first.file}:${first.line}`;
      this.book.error(
        node.place,
        'string',
        `is the same id as on ${lines}: "${id}"`,
        'give each deployment its own id',
      );
      return this.claim(hash);
    }
    if (this.taken.has(id)) {
      this.book.error(node.place, 'string', `is already the id of another deployment: "${id}"`, 'choose another');
      return this.claim(hash);
    }
    this.explicit.set(id, node.place);
    this.taken.add(id);
    return id;
  }

  /** Equal hashes get -2, -3. */
  claim(hash: string): string {
    let id = hash;
    for (let i = 2; this.taken.has(id); i++) id = `${hash}-${i}`;
    this.taken.add(id);
    return id;
  }
}
