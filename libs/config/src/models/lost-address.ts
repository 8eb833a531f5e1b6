import type { Section } from '../section.js';
import { meantKey } from '../sort-keys.js';

const ADDRESS = new Set(['api_base', 'base_url']);

/**
 * A deployment whose address is misspelt, or stands beside `litellm_params` instead of in it, would send prompts and key to the
 * provider's own address instead of where they were meant to go: that blocks the start. Where an address is given, the key is
 * only told.
 * @param params of the deployment, with those of its credential and the defaults
 * @param beside the entry itself and its `model_info`
 */
export function refuseLostAddress(params: Section, beside: readonly (Section | undefined)[]): void {
  if ([...ADDRESS].some((key) => params.has(key))) return;
  for (const section of [params, ...beside]) {
    for (const [key, { place }] of section?.map.entries ?? []) {
      const meant = ADDRESS.has(key) ? key : meantKey('litellmParams', key);
      if (meant === undefined || !ADDRESS.has(meant)) continue;
      params.book.blocking(
        place,
        key === meant
          ? "it belongs under litellm_params: without it, calls go to the provider's own address"
          : `unknown key: did you mean ${meant}? Without it, calls go to the provider's own address`,
        key === meant ? 'move it to litellm_params' : `write ${meant} under litellm_params`,
      );
    }
  }
}
