import { NOT_YET } from './report-book.js';
import type { Section } from './section.js';

/** Keys whose place in the report depends on their value. */
export function placeDynamicKeys(sections: { readonly litellm: Section | undefined }): void {
  const { litellm } = sections;
  for (const key of ['success_callback', 'failure_callback', 'callbacks', 'service_callback'])
    placeCallbacks(litellm, key);
  const place = (section: Section, key: string) => section.map.entries.get(key)!.place;
  if (litellm?.flag('json_logs') === false)
    litellm.book.harmless(place(litellm, 'json_logs'), 'logs are always JSON in this version');
}

/** Sinks for logs and metrics are harmless; a path into Python code may do anything. */
function placeCallbacks(litellm: Section | undefined, key: string): void {
  const node = litellm?.map.entries.get(key);
  if (litellm === undefined || node === undefined) return;
  const items = node.kind === 'list' ? node.items : [node];
  const names = items.flatMap((item) => (item.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : []));
  if (names.some((name) => name.includes('.'))) {
    litellm.book.blocking(
      node.place,
      'a Python hook (module.instance): Sluice cannot run it',
      'remove it, or start with --allow-unsupported',
    );
  } else if (items.length > 0) litellm.book.harmless(node.place, `${names.join(', ') || 'callbacks'}: ${NOT_YET}`);
}
