import type { ReportBook } from './report-book.js';
import { plainValueOf, typeOf, type Place, type YamlMap, type YamlNode, type YamlScalar } from './yaml/node.js';

/** setTimeout's longest wait; anything above fires at once. */
const MAX_SECONDS = 2_147_483;

export interface Found<T> {
  readonly value: T;
  readonly place: Place;
}

/**
 * Typed reading of one map of the configuration. A value of a wrong type is an error with file and line, and reads as
 * absent, so that one run tells all of them. Absent are also: `key:` without a value, and an unset variable.
 */
export class Section {
  constructor(
    readonly map: YamlMap,
    readonly book: ReportBook,
  ) {}

  get place(): Place {
    return this.map.place;
  }

  has(key: string): boolean {
    return this.map.entries.has(key);
  }

  /** The value; undefined when absent in any of the three ways. */
  node(key: string): Exclude<YamlNode, { kind: 'unset' }> | undefined {
    const node = this.map.entries.get(key);
    if (node === undefined) return undefined;
    if (node.kind === 'unset') {
      this.book.noEffect(node.place, `environment variable ${node.variable} is not set: taken as absent`);
      return undefined;
    }
    if (node.kind === 'scalar' && node.value === null) {
      this.book.noEffect(node.place, 'has no value: taken as absent');
      return undefined;
    }
    return node;
  }

  section(key: string): Section | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    if (node.kind === 'map') return new Section(node, this.book);
    return this.wrong(node, 'a map');
  }

  list(key: string): readonly YamlNode[] | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    return node.kind === 'list' ? node.items : this.wrong(node, 'a list');
  }

  /** Entries of a list that must be maps. */
  sections(key: string): Section[] {
    return (this.list(key) ?? []).flatMap((item) => {
      if (item.kind === 'map') return [new Section(item, this.book)];
      this.wrong(item, 'a map');
      return [];
    });
  }

  string(key: string): string | undefined {
    const node = this.node(key);
    return node === undefined ? undefined : this.stringOf(node);
  }

  strings(key: string): string[] | undefined {
    return this.list(key)?.flatMap((item) => this.stringOf(item) ?? []);
  }

  flag(key: string): boolean | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const value = node.kind === 'scalar' ? booleanOf(node) : undefined;
    return value ?? this.wrong(node, 'true or false');
  }

  wholeNumber(key: string, min = 0): number | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const value = numberOf(node);
    if (value !== undefined && Number.isSafeInteger(value) && value >= min) return value;
    return this.wrong(node, `a whole number of at least ${min}`, value === undefined ? undefined : 'another number');
  }

  number(key: string, min = 0): number | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const value = numberOf(node);
    if (value !== undefined && Number.isFinite(value) && value >= min) return value;
    return this.wrong(node, `a number of at least ${min}`, value === undefined ? undefined : 'another number');
  }

  /** Seconds as written, milliseconds as returned. */
  seconds(key: string, { zero }: { zero: 'allowed' | 'refused' }): number | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const value = numberOf(node);
    const isInRange = value !== undefined && value <= MAX_SECONDS && (zero === 'allowed' ? value >= 0 : value > 0);
    if (isInRange) return Math.round(value * 1000);
    const range = zero === 'allowed' ? `from 0 to ${MAX_SECONDS}` : `above 0, at most ${MAX_SECONDS}`;
    return this.wrong(node, `a number of seconds ${range}`, value === undefined ? undefined : 'another number');
  }

  /** One of a few words. */
  word<T extends string>(key: string, words: readonly T[]): T | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    const isOff = node.kind === 'scalar' && node.value === false; // a bare off is false in YAML 1.1
    const text = isOff ? 'off' : this.string(key);
    if (text === undefined) return undefined;
    const word = words.find((known) => known === text);
    return word ?? this.wrong(node, words.join(', ').replace(/, (?=[^,]*$)/, ' or '), 'another word');
  }

  /** A map of single values, each as text: headers, environment variables. */
  texts(key: string): Record<string, string> | undefined {
    const section = this.section(key);
    if (section === undefined) return undefined;
    const texts: Record<string, string> = {};
    for (const name of section.map.entries.keys()) {
      const node = section.node(name);
      if (node === undefined) continue;
      if (node.kind === 'scalar') texts[name] = typeof node.value === 'boolean' ? pythonWord(node.value) : node.text;
      else this.wrong(node, 'a single value');
    }
    return texts;
  }

  /** A map as a provider's body takes it. */
  plain(key: string): Record<string, unknown> | undefined {
    const section = this.section(key);
    return section && (plainValueOf(section.map) as Record<string, unknown>);
  }

  /** @returns undefined, so that readers can end with it */
  wrong(node: YamlNode, expected: string, found: string = aTypeOf(node)): undefined {
    const advice = expected === 'a string' && node.kind === 'scalar' && node.value !== null ? 'put it in quotes' : '';
    this.book.error(node.place, typeOf(node), `must be ${expected}, but is ${found}`, advice);
    return undefined;
  }

  private stringOf(node: YamlNode): string | undefined {
    if (node.kind === 'unset') {
      this.book.noEffect(node.place, `environment variable ${node.variable} is not set: left out`);
      return undefined;
    }
    return node.kind === 'scalar' && typeof node.value === 'string' ? node.value : this.wrong(node, 'a string');
  }
}

/** The first that has a value; the others are read for their types, and told as beaten. */
export function firstOf<T>(
  places: readonly (readonly [section: Section | undefined, key: string])[],
  read: (section: Section, key: string) => T | undefined,
): T | undefined {
  let winner: { value: T; path: string } | undefined;
  for (const [section, key] of places) {
    if (section === undefined || !section.has(key)) continue;
    const value = read(section, key);
    if (value === undefined) continue;
    const { place } = section.map.entries.get(key)!;
    if (winner === undefined) winner = { value, path: place.path };
    else section.book.noEffect(place, `${winner.path} beats it`);
  }
  return winner?.value;
}

function aTypeOf(node: YamlNode): string {
  const type = typeOf(node);
  return type === 'nothing' ? 'empty' : `a ${type}`;
}

/** Numbers, and numbers as text: environment variables have no types, and PyYAML reads 1e-6 as text. */
function numberOf(node: YamlNode): number | undefined {
  if (node.kind !== 'scalar') return undefined;
  if (typeof node.value === 'number') return Number.isNaN(node.value) ? undefined : node.value;
  if (typeof node.value !== 'string' || !/^\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$/.test(node.value))
    return undefined;
  return Number(node.value);
}

function booleanOf({ value }: YamlScalar): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return undefined;
  if (/^(?:true|yes|on)$/i.test(value)) return true;
  return /^(?:false|no|off)$/i.test(value) ? false : undefined;
}

/** LiteLLM puts values into the environment with Python's str(). */
const pythonWord = (value: boolean): string => (value ? 'True' : 'False');
