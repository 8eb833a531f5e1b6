import { createRequire } from 'node:module';
import type { Deployment } from '@sluice/core';

type Encoding = 'o200k_base' | 'cl100k_base';
type CountText = (text: string) => number;

/** Newest first; what matches none has a tokenizer that nobody outside knows. Source: OpenAI's tiktoken, model.py. */
const ENCODINGS: readonly (readonly [models: RegExp, encoding: Encoding])[] = [
  [/^(?:gpt-(?:4o|4\.1|4\.5|5|oss)|chatgpt-4o|o[1-9](?:$|-))/, 'o200k_base'],
  [/^gpt-(?:4|3\.5|35)(?:$|-)/, 'cl100k_base'], // Azure writes gpt-35
];
/** The tokenizer takes square time over what it cannot cut: 60,000 times one letter 2.8 s. */
const UNCUT = /\S{1001}|\s{1001}/;
const PIECES = /(\S{1000}|\s{1000})/;

const require = createRequire(import.meta.url);
const counters = new Map<Encoding, CountText>();

/**
 * How many tokens a text has for a deployment's model: its own tokenizer counts, some 1.8 million a second. Undefined: the
 * tokenizer is not known. The first use of an encoding loads it, which takes the event loop some 0.1 s and 30 MB: ask for it
 * only where an estimate does not do.
 */
export function countTextOf({ provider, baseModel, model }: Deployment): CountText | undefined {
  if (provider !== 'openai' && provider !== 'azure') return undefined;
  const name = (baseModel ?? model).replace(/^.*\//, '').replace(/^ft:/, '');
  const encoding = ENCODINGS.find(([models]) => models.test(name))?.[1];
  return encoding === undefined ? undefined : counterOf(encoding);
}

function counterOf(encoding: Encoding): CountText {
  let counter = counters.get(encoding);
  if (counter === undefined) {
    const { countTokens } = require(`gpt-tokenizer/encoding/${encoding}`) as {
      countTokens: (text: string, options: { disallowedSpecial: Set<string> }) => number;
    };
    const asText = { disallowedSpecial: new Set<string>() }; // `<|endoftext|>` in a prompt is text
    counter = (text) => {
      const pieces = UNCUT.test(text) ? text.split(PIECES) : [text];
      return pieces.reduce((sum, piece) => sum + (piece === '' ? 0 : countTokens(piece, asText)), 0);
    };
    counters.set(encoding, counter);
  }
  return counter;
}
