import type { Deployment } from '@sluice/core';

/** What a Claude can, as far as translation depends on it. */
export interface ModelTraits {
  /** `adaptive`: it decides how long to think; `budget`: it is told; `none`: it cannot. */
  thinking: 'adaptive' | 'budget' | 'none';
  /** JSON schemas by `output_config.format`, and `strict` tools. */
  nativeSchema: boolean;
  /** `one`: temperature or top_p, not both; `none`: neither, nor top_k. */
  sampling: 'all' | 'one' | 'none';
  /** It goes on from a final assistant message; from 4.6 on they answer 400. */
  prefill: boolean;
}

const NEWEST: ModelTraits = { thinking: 'adaptive', nativeSchema: true, sampling: 'one', prefill: false };

/** `claude-3-5-sonnet-20241022`, `claude-3-opus-…`, `claude-2.1`. */
const OLD_NAME = /claude-(?:v|instant-)?(\d)(?:[-.](\d)(?!\d))?/;
/** `claude-opus-4-1-20250805`, `claude-sonnet-4-20250514`, `claude-haiku-4-5`. */
const NAME = /claude-([a-z]+)-(\d)(?:[-.](\d{1,2})(?!\d))?/;

/**
 * Traits by name; a Claude that the name does not place counts as the newest. Until the model map comes, this is all that
 * Sluice knows of Claudes. Source: Anthropic's model overview, extended thinking and structured outputs pages; WIRE.md 7.
 */
export function modelTraitsOf({ model, baseModel }: Deployment): ModelTraits {
  const name = (baseModel ?? model).toLowerCase();
  const current = NAME.exec(name);
  const old = current === null ? OLD_NAME.exec(name) : null;
  if (current === null && old === null) return NEWEST;
  const isOpus = current?.[1] === 'opus';
  const version = Number(current?.[2] ?? old?.[1]) * 100 + Number(current?.[3] ?? old?.[2] ?? 0);
  return {
    thinking: version >= 406 ? 'adaptive' : version >= 307 ? 'budget' : 'none',
    nativeSchema: version >= 405 || (isOpus && version >= 401),
    sampling: isOpus && version >= 407 ? 'none' : version >= 401 ? 'one' : 'all',
    prefill: version < 406,
  };
}
