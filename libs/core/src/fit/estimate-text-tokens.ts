/**
 * How many tokens a text has, roughly as o200k_base counts: mostly within 15 %. One pass, no allocation: some 30 MB/s.
 * Runs of letters, digits, blanks and signs are counted as a tokenizer would cut them; letters by how long a piece of their
 * script usually is.
 */
export function estimateTextTokens(text: string): number {
  let tokens = 0;
  let kind = NOTHING;
  let run = 0;
  for (let i = 0; i <= text.length; i++) {
    const next = i === text.length ? NOTHING : kindOf(text.charCodeAt(i));
    if (next === kind || (next === LOWER && kind === UPPER)) {
      run++; // a capital goes with what follows it; another word begins at the next one
      kind = next;
      continue;
    }
    if (run > 0) tokens += tokensOfRun(kind, run);
    kind = next;
    run = 1;
  }
  return Math.ceil(tokens);
}

const NOTHING = 0;
const LOWER = 1;
const DIGIT = 2;
const BLANK = 3;
const SIGN = 4;
/** Cyrillic, Greek, Arabic, Hebrew. */
const OTHER_LETTER = 5;
/** Of India and South-East Asia. */
const INDIC = 6;
/** Chinese, Japanese, Korean and all further scripts. */
const WIDE = 7;
const SURROGATE = 8;
const UPPER = 9;

function kindOf(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return LOWER;
  if (code >= 0x41 && code <= 0x5a) return UPPER;
  if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) return BLANK;
  if (code >= 0x30 && code <= 0x39) return DIGIT;
  if (code < 0x80) return SIGN;
  if (code >= 0xc0 && code < 0x0250) return LOWER; // with its accents
  if (code < 0x0900) return OTHER_LETTER;
  if (code < 0x1100) return INDIC;
  if (code >= 0x2000 && code <= 0x2bff) return SIGN;
  return code >= 0xd800 && code <= 0xdfff ? SURROGATE : WIDE;
}

function tokensOfRun(kind: number, length: number): number {
  switch (kind) {
    case LOWER:
      return length <= 7 ? 0.97 : length <= 12 ? 1.45 : length / 5; // most English words are one token
    case UPPER:
      return Math.max(0.9, length / 2.5);
    case INDIC:
      return length / 2.6;
    case DIGIT:
      return Math.ceil(length / 3);
    case BLANK:
      return length === 1 ? 0.1 : 1; // a single one goes with the word behind it
    case OTHER_LETTER:
      return Math.max(0.9, length / 4.2);
    case WIDE:
      return length * 0.8;
    case SURROGATE:
      return length * 0.9;
    default:
      return Math.max(0.9, length / 2.2);
  }
}
