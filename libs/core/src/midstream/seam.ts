/**
 * How a deployment is asked to go on with an answer that another one broke off. `prefill`: the text so far is the beginning
 * of its own answer. `turn`: a user's turn asks it to go on. `afresh`: nothing was said yet but reasoning; it is asked anew.
 */
export type GoingOn = 'prefill' | 'turn' | 'afresh';

/** An overlap further back than this is no overlap: so much of an answer is held back at most. */
const LONGEST_OVERLAP = 512;
/** An answer that shares so much with the beginning of what was delivered has begun again. */
const FIRST_WORDS = 3;
const FIRST_CHARS = 12;

/**
 * Joins an answer to the text that was delivered before it, as it comes: gives out what follows that text, and nothing that
 * was in it. Pure; what it says does not depend on how the answer is cut into pieces.
 *
 *     undecided ── covers all that was delivered, or repeats its end ──► joined: the rest is passed on
 *         │    └── neither, and nothing of it can still be either ────► joined: it simply goes on
 *         └── the first words of what was delivered, then others ──► departed: nothing more may be sent
 *
 * Held back while undecided: at most `LONGEST_OVERLAP` characters, or what equals the delivered text so far.
 */
export class Seam {
  /** `again`: it began anew and was spliced; `on`: it went on. */
  state: 'undecided' | 'on' | 'again' | 'departed' = 'undecided';
  private held = '';
  private agreed = 0;
  private readonly trimmed: number;

  constructor(
    private readonly delivered: string,
    private readonly how: GoingOn,
  ) {
    this.trimmed = delivered.length - delivered.trimEnd().length;
    if (delivered === '') this.state = 'on';
  }

  /** What to send of it now; undefined when it has departed. */
  push(text: string): string | undefined {
    switch (this.state) {
      case 'departed':
        return undefined;
      case 'undecided':
        this.held += text;
        return this.decided(false);
      case 'on':
      case 'again':
        return text;
    }
  }

  /** There is no more text: what is held back is told. */
  end(): string | undefined {
    if (this.state === 'departed') return undefined;
    return this.state === 'undecided' ? this.decided(true) : '';
  }

  private decided(isEnd: boolean): string | undefined {
    const { delivered, held } = this;
    const most = Math.min(held.length, delivered.length);
    while (this.agreed < most && held[this.agreed] === delivered[this.agreed]) this.agreed++;
    if (this.agreed === delivered.length) return this.joined('again', delivered.length);
    if (!isEnd && (this.agreed === held.length || this.mayStillOverlap())) return '';

    const overlap = this.overlap();
    if (overlap > 0) return this.joined('on', overlap);
    const isMoreOfTheSame = isEnd && held !== '' && this.mayStillOverlap() && this.isOverlap(held.length);
    if (hasFirstWords(delivered.slice(0, this.agreed)) || isMoreOfTheSame) {
      this.state = 'departed';
      this.held = '';
      return undefined;
    }
    return this.joined('on', 0);
  }

  private joined(state: 'on' | 'again', known: number): string {
    const rest = this.held.slice(known);
    this.state = state;
    this.held = '';
    return rest;
  }

  /** All of it stands somewhere before the end of what was delivered. */
  private mayStillOverlap(): boolean {
    const { delivered, held } = this;
    for (let from = Math.max(0, delivered.length - LONGEST_OVERLAP); from < delivered.length - held.length; from++) {
      if (delivered.startsWith(held, from)) return true;
    }
    return false;
  }

  /** Length of the longest end of what was delivered that it repeats; 0: none. */
  private overlap(): number {
    const { delivered, held } = this;
    for (let length = Math.min(held.length, delivered.length, LONGEST_OVERLAP); length > 0; length--) {
      if (delivered.endsWith(held.slice(0, length)) && this.isOverlap(length, delivered.length - length)) return length;
    }
    return 0;
  }

  /**
   * Whether so much of its beginning is a repetition and not chance. A model that goes on from a prefill repeats nothing, save
   * the white space that may be cut off a prefill's end; one that was asked in a turn likes to take up the last word, but
   * then without a space before it: replies begin so.
   * @param at where in the delivered text it would begin; absent: nobody knows
   */
  private isOverlap(length: number, at?: number): boolean {
    const repeated = this.held.slice(0, length);
    if (repeated.trim() === '') return this.how === 'turn' || length <= this.trimmed;
    if (at !== undefined && at > 0 && isInsideWord(this.delivered, at)) return false;
    const wanted = this.how === 'prefill' || /^\s/.test(repeated) ? 2 : 1;
    return wordsIn(repeated) >= wanted;
  }
}

const WORDS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]{1,2}|[\p{L}\p{N}]+/gu;
const WORD_CHARACTER = /[\p{L}\p{N}]/u;
/** Written without spaces: every character begins a word. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;

const wordsIn = (text: string): number => text.match(WORDS)?.length ?? 0;

const hasFirstWords = (text: string): boolean => text.length >= FIRST_CHARS && wordsIn(text) >= FIRST_WORDS;

function isInsideWord(text: string, at: number): boolean {
  const [before, after] = [text[at - 1]!, text[at]!];
  return WORD_CHARACTER.test(before) && WORD_CHARACTER.test(after) && !UNSPACED.test(after);
}
