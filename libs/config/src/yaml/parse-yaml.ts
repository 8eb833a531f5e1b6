import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type Node } from 'yaml';
import type { Place, YamlMap, YamlNode } from './node.js';
import { plainScalarOf } from './plain-scalar.js';

/** What is wrong with a file as YAML; the caller makes a row of it. */
export interface YamlProblem {
  readonly line: number;
  readonly path: string;
  readonly reason: string;
  readonly advice: string;
}

export type ParsedYaml = { kind: 'parsed'; root: YamlMap } | { kind: 'broken'; problems: readonly YamlProblem[] };

/** More than any real configuration, and less than what an alias bomb unfolds to. */
const MAX_NODES = 200_000;

/**
 * Sentences of our own: those of the parser may quote the file, and with it a secret. A code that is not here gets the
 * general sentence.
 */
const SENTENCES: Readonly<Record<string, readonly [reason: string, advice: string]>> = {
  TAB_AS_INDENT: ['a tab is used as indentation, and YAML allows only spaces there', 'replace the tab by spaces'],
  BAD_INDENT: ['the indentation does not fit the lines above', 'align it with its neighbours'],
  BLOCK_AS_IMPLICIT_KEY: [
    'a second ": " on the line, or an indentation that fits no line above',
    'quote the value, or align the line with its neighbours',
  ],
  MULTILINE_IMPLICIT_KEY: ['a key runs over more than one line', 'is a ":" missing, or a quote not closed?'],
  MISSING_CHAR: [
    'something is not closed: a quote, a bracket, or a key without ":"',
    'close it: it may have been opened further up',
  ],
  BAD_SCALAR_START: ['an unquoted value begins with a character that YAML reserves (@ ` %)', 'put it in quotes'],
  BAD_ALIAS: ['an alias (*name) that cannot be read', ''],
  BAD_DQ_ESCAPE: ['an unknown escape (\\) in double quotes', 'write \\\\ for a backslash, or use single quotes'],
};

/**
 * Reads one YAML document as PyYAML would; a repeated key is kept and told later, since the last one wins there too.
 * Never throws for bad input, and never quotes it.
 */
export function parseYaml(source: string, file: string): ParsedYaml {
  const lines = new LineCounter();
  const documents = parseAllDocuments(source.replace(/^\uFEFF/, ''), {
    version: '1.1',
    schema: 'failsafe', // every scalar a string: plainScalarOf decides, as PyYAML does
    uniqueKeys: false,
    prettyErrors: false,
    merge: false,
    lineCounter: lines,
  });
  const lineAt = (offset: number | undefined): number => (offset === undefined ? 0 : lines.linePos(offset).line);
  const broken = (line: number, reason: string, advice = '', path = ''): ParsedYaml => ({
    kind: 'broken',
    problems: [{ line, path, reason, advice }],
  });
  const [document, second] = documents as readonly Document.Parsed[];
  if (document === undefined) return broken(1, 'the file is empty', 'write at least a model_list');
  const error = document.errors[0]; // what follows the first is mostly its echo
  if (error !== undefined) {
    const line = lineAt(error.pos[0]);
    const isTab = /^ *\t/.test(source.split('\n')[line - 1] ?? ''); // whatever else the parser makes of it
    const [reason, advice] = SENTENCES[isTab ? 'TAB_AS_INDENT' : error.code] ?? ['this is not valid YAML', ''];
    return broken(line, reason, advice);
  }
  if (second !== undefined) {
    return broken(lineAt(second.range[0]), 'a second YAML document begins here (---)', 'keep one document in a file');
  }
  const contents = document.contents as Node | null;
  if (contents === null || (isScalar(contents) && contents.source === '')) {
    return broken(1, 'the file is empty', 'write at least a model_list');
  }
  if (!isMap(contents)) {
    return broken(lineAt(contents.range?.[0]), 'the file must hold a map of settings, such as "model_list:"');
  }
  try {
    const root = new TreeBuilder(document, file, lineAt).build(contents, { file, line: 1, path: '' });
    return root.kind === 'map' ? { kind: 'parsed', root } : broken(1, 'the file must hold a map of settings');
  } catch (failure) {
    if (failure instanceof Unreadable) return broken(failure.line, failure.message, '', failure.path);
    throw failure;
  }
}

class Unreadable extends Error {
  constructor(
    readonly line: number,
    readonly path: string,
    message: string,
  ) {
    super(message);
  }
}

/** Only an escape can write one. It has no UTF-8: Redis would hand it back as another text, and the names would not meet. */
function checkText(text: string, { line, path }: Place): void {
  if (text.isWellFormed()) return;
  throw new Unreadable(line, path, 'an escape (\\uD800 to \\uDFFF) stands for half a character');
}

class TreeBuilder {
  private nodes = 0;
  private readonly unfolding = new Set<Node>();

  constructor(
    private readonly document: Document.Parsed,
    private readonly file: string,
    private readonly lineAt: (offset: number | undefined) => number,
  ) {}

  build(node: Node | null, place: Place): YamlNode {
    if (++this.nodes > MAX_NODES) throw new Unreadable(place.line, place.path, 'the file unfolds to too many values');
    if (node === null) return { kind: 'scalar', place, value: null, text: '' };
    if (isAlias(node)) return this.unfold(node, place, (target) => this.build(target, place));
    if (isMap(node)) return this.buildMap(node, place);
    if (isSeq(node)) {
      const items = (node.items as Node[]).map((item, index) =>
        this.build(item, { file: this.file, line: this.lineOf(item, place), path: `${place.path}[${index}]` }),
      );
      return { kind: 'list', place, items };
    }
    if (!isScalar(node)) throw new Unreadable(place.line, place.path, 'this is not valid YAML');
    const text = typeof node.value === 'string' ? node.value : '';
    checkText(text, place);
    return { kind: 'scalar', place, value: this.valueOf(node.tag, text, node.type === 'PLAIN', place), text };
  }

  private buildMap(node: Node, place: Place): YamlMap {
    const entries = new Map<string, YamlNode>();
    const repeated: YamlNode[] = [];
    this.addPairs(node, place, entries, repeated);
    return { kind: 'map', place, entries, repeated };
  }

  private addPairs(node: Node, place: Place, entries: Map<string, YamlNode>, repeated: YamlNode[]): void {
    if (!isMap(node)) throw new Unreadable(place.line, place.path, '"<<" must name a map, or a list of maps');
    const merged = new Map<string, YamlNode>();
    for (const pair of node.items) {
      const key = pair.key as Node;
      const line = this.lineOf(key, place);
      const name = isAlias(key) ? key.resolve(this.document) : key;
      if (!isScalar(name) || typeof name.value !== 'string') {
        throw new Unreadable(line, place.path, 'a key must be a word, not a list or a map');
      }
      checkText(name.value, { ...place, line });
      const value = pair.value as Node | null;
      if (name.value === '<<' && name.type === 'PLAIN') {
        this.merge(value, { ...place, line }, merged);
        continue;
      }
      const child: Place = {
        file: this.file,
        line,
        path: place.path === '' ? name.value : `${place.path}.${name.value}`,
      };
      const earlier = entries.get(name.value);
      if (earlier !== undefined) repeated.push(earlier);
      entries.set(name.value, this.build(value, child));
    }
    for (const [key, value] of merged) if (!entries.has(key)) entries.set(key, value);
  }

  /** `<<: *defaults` or `<<: [*a, *b]`: own keys win, then the first map that has the key. */
  private merge(value: Node | null, place: Place, merged: Map<string, YamlNode>): void {
    if (value !== null && isAlias(value)) {
      this.unfold(value, place, (target) => this.merge(target, place, merged));
    } else if (value !== null && isSeq(value)) {
      for (const item of value.items as Node[]) this.merge(item, place, merged);
    } else {
      const found = new Map<string, YamlNode>();
      this.addPairs(value as Node, place, found, []);
      for (const [key, node] of found) if (!merged.has(key)) merged.set(key, node);
    }
  }

  private unfold<T>(alias: Node, place: Place, use: (target: Node) => T): T {
    const target = isAlias(alias) ? alias.resolve(this.document) : undefined;
    if (target === undefined)
      throw new Unreadable(place.line, place.path, 'the alias (*name) has no anchor (&name) above it');
    if (this.unfolding.has(target)) throw new Unreadable(place.line, place.path, 'the alias (*name) contains itself');
    this.unfolding.add(target);
    try {
      return use(target);
    } finally {
      this.unfolding.delete(target);
    }
  }

  private valueOf(
    tag: string | undefined,
    text: string,
    isPlain: boolean,
    place: Place,
  ): string | number | boolean | null {
    if (tag === undefined || tag === '') return isPlain ? plainScalarOf(text) : text;
    switch (tag.replace('tag:yaml.org,2002:', '!!')) {
      case '!':
      case '!!str':
      case '!!timestamp':
        return text;
      case '!!int':
      case '!!float':
      case '!!bool':
      case '!!null':
        return plainScalarOf(text);
      default:
        throw new Unreadable(place.line, place.path, 'the value has a tag (!name), which LiteLLM cannot load either');
    }
  }

  private lineOf(node: Node | null, parent: Place): number {
    return this.lineAt(node?.range?.[0]) || parent.line;
  }
}
