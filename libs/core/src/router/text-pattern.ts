/**
 * A regular expression that takes time in proportion to the text, whatever it is: callers' prompts are matched against it in
 * the api, where one that backtracks for minutes would stop everybody. All ways are followed at once (Thompson's
 * construction), so there is nothing to go back to. Left out is what such a machine cannot do, or what nobody needs to say
 * yes or no: references back, looking around, named groups.
 */
export interface TextPattern {
  readonly source: string;
  /** Looks at the first `MOST_CHARS`. */
  readonly test: (text: string) => boolean;
}

const MOST_CHARS = 16_384;
const MOST_STATES = 1_000;

/** Of what a pattern cannot be. `message` is the end of a sentence. */
export class PatternError extends Error {}

type Edge = 'start' | 'end' | 'word' | 'no_word';
type State =
  | { kind: 'char'; takes: (char: string) => boolean; to: number }
  | { kind: 'split'; to: number; or: number }
  | { kind: 'edge'; edge: Edge; to: number }
  | { kind: 'match' };

/**
 * @param source in JavaScript's syntax; `(?i)` before it: capitals do not count
 * @throws PatternError
 */
export function textPattern(source: string): TextPattern {
  const isAnyCase = source.startsWith('(?i)');
  const compiler = new Compiler(isAnyCase ? source.slice(4) : source, isAnyCase ? 'iu' : 'u');
  const { states, start } = compiler.compile();
  return { source, test: (text) => runs(states, start, text.slice(0, MOST_CHARS)) };
}

/** What is left of a pattern, compiled from its end to its beginning: each piece is told what comes after it. */
type Piece = (next: number) => number;

class Compiler {
  private readonly states: State[] = [{ kind: 'match' }];
  private at = 0;

  constructor(
    private readonly source: string,
    private readonly flags: string,
  ) {}

  compile(): { states: readonly State[]; start: number } {
    const whole = this.alternatives();
    if (this.at < this.source.length) throw new PatternError('has a ")" too many');
    return { states: this.states, start: whole(0) };
  }

  private alternatives(): Piece {
    const ways = [this.sequence()];
    while (this.takes('|')) ways.push(this.sequence());
    return (next) => ways.map((way) => way(next)).reduceRight((or, to) => this.add({ kind: 'split', to, or }));
  }

  private sequence(): Piece {
    const pieces: Piece[] = [];
    while (this.at < this.source.length && !'|)'.includes(this.source[this.at]!)) pieces.push(this.repeated());
    return (next) => pieces.reduceRight((after, piece) => piece(after), next);
  }

  private repeated(): Piece {
    const piece = this.atom();
    const [all, min, hasMax, max] = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(this.source.slice(this.at)) ?? [];
    if (all === undefined) return piece;
    this.at += all.length;
    if (all.startsWith('*')) return this.times(piece, 0, Infinity);
    if (all.startsWith('+')) return this.times(piece, 1, Infinity);
    if (all.startsWith('?')) return this.times(piece, 0, 1);
    const most = hasMax === '' ? Number(min) : max === '' ? Infinity : Number(max);
    if (most < Number(min)) throw new PatternError('repeats more often than at most');
    return this.times(piece, Number(min), most);
  }

  private times(piece: Piece, min: number, max: number): Piece {
    if (Math.max(min, max === Infinity ? 0 : max) > MOST_STATES) throw new PatternError('is too long');
    return (next) => {
      let after = next;
      if (max === Infinity) {
        const loop = this.add({ kind: 'split', to: -1, or: next });
        (this.states[loop] as { to: number }).to = piece(loop);
        after = loop;
      } else {
        for (let i = min; i < max; i++) after = this.add({ kind: 'split', to: piece(after), or: next });
      }
      for (let i = 0; i < min; i++) after = piece(after);
      return after;
    };
  }

  private atom(): Piece {
    const char = this.source[this.at]!;
    if (char === '(') return this.group();
    if ('*+?'.includes(char)) throw new PatternError(`has a "${char}" with nothing before it`);
    if (char === '^' || char === '$') {
      this.at++;
      return this.edge(char === '^' ? 'start' : 'end');
    }
    const edge = /^\\([bB])/.exec(this.source.slice(this.at))?.[1];
    if (edge !== undefined) {
      this.at += 2;
      return this.edge(edge === 'b' ? 'word' : 'no_word');
    }
    return this.charClass();
  }

  private group(): Piece {
    const opening = /^\((?:\?:|(\?))?/.exec(this.source.slice(this.at))!;
    if (opening[1] !== undefined) throw new PatternError('looks around or names a group, which is not possible here');
    this.at += opening[0].length;
    const inner = this.alternatives();
    if (!this.takes(')')) throw new PatternError('has a "(" without its ")"');
    return inner;
  }

  /** One place of the text, written as JavaScript would: its own engine says which characters it takes. */
  private charClass(): Piece {
    const [written] =
      /^(?:\\[pP]\{[^}]*\}|\\u\{[^}]*\}|\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\[^]|\[(?:\\[^]|[^\]\\])*\]|[^])/u.exec(
        this.source.slice(this.at),
      )!;
    if (/^\\(?:[1-9]|k)/.test(written)) throw new PatternError('refers back to a group, which is not possible here');
    this.at += written.length;
    const literal = '{}]'.includes(written) ? `\\${written}` : written;
    let one: RegExp;
    try {
      one = new RegExp(`^${literal}$`, this.flags);
    } catch {
      throw new PatternError(`has "${written}", which is no character or class`);
    }
    const known = new Map<string, boolean>();
    const takes = (char: string): boolean => {
      let isTaken = known.get(char);
      if (isTaken === undefined) {
        isTaken = one.test(char);
        if (known.size < 4_096) known.set(char, isTaken);
      }
      return isTaken;
    };
    return (next) => this.add({ kind: 'char', takes, to: next });
  }

  private edge(edge: Edge): Piece {
    return (next) => this.add({ kind: 'edge', edge, to: next });
  }

  private takes(char: string): boolean {
    if (this.source[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private add(state: State): number {
    if (this.states.length >= MOST_STATES) throw new PatternError('is too long');
    return this.states.push(state) - 1;
  }
}

/** All states that some way through the text can be in, place by place. */
function runs(states: readonly State[], start: number, text: string): boolean {
  const chars = Array.from(text); // by code point
  const seenAt = new Int32Array(states.length).fill(-1);
  let current: number[] = [];
  for (let i = 0; i <= chars.length; i++) {
    const active: number[] = [];
    const open = [...current, start]; // it may begin anywhere
    while (open.length > 0) {
      const which = open.pop()!;
      if (seenAt[which] === i) continue;
      seenAt[which] = i;
      const state = states[which]!;
      if (state.kind === 'match') return true;
      if (state.kind === 'split') open.push(state.or, state.to);
      else if (state.kind === 'char') active.push(which);
      else if (isAtEdge(state.edge, chars, i)) open.push(state.to);
    }
    if (i === chars.length) return false;
    current = [];
    for (const which of active) {
      const state = states[which] as Extract<State, { kind: 'char' }>;
      if (state.takes(chars[i]!)) current.push(state.to);
    }
  }
  return false;
}

function isAtEdge(edge: Edge, chars: readonly string[], at: number): boolean {
  if (edge === 'start') return at === 0;
  if (edge === 'end') return at === chars.length;
  const isWord = (char: string | undefined): boolean => char !== undefined && /^\w$/.test(char);
  return (isWord(chars[at - 1]) !== isWord(chars[at])) === (edge === 'word');
}
