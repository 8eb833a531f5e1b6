import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { ReportBook } from './report-book.js';
import { typeOf, type Place, type YamlMap } from './yaml/node.js';
import { parseYaml } from './yaml/parse-yaml.js';

export interface ReadFiles {
  /** The merged configuration; absent when a file could not be understood (the book has the errors). */
  readonly root: YamlMap | undefined;
  /** Every file as written, for the report. */
  readonly written: readonly YamlMap[];
  /** The configuration file itself could not be opened. */
  readonly isUnreadable: boolean;
  /** Absolute paths of all files that were looked for, also of those that are missing: what a reload watches. */
  readonly paths: readonly string[];
  /** SHA-256 of what was read, 16 hex: whether two processes run on the same. */
  readonly hash: string;
}

/**
 * Reads the configuration and what it includes. As LiteLLM merges: lists of the top level append, every other key of an
 * included file overwrites. Included names are relative to the file that names them.
 * @param source a path, or the text itself with the name to call it by
 */
export function readFiles(
  source: { path: string } | { text: string; name: string },
  cwd: string,
  book: ReportBook,
): ReadFiles {
  const written: YamlMap[] = [];
  const paths = new Set<string>();
  const sum = createHash('sha256');
  const textAt = (path: string): string | { problem: string } => {
    paths.add(path);
    return textOf(path);
  };
  const done = (root: YamlMap | undefined, isUnreadable = false): ReadFiles => {
    return { root, written, isUnreadable, paths: [...paths], hash: sum.digest('hex').slice(0, 16) };
  };
  const parse = (text: string, file: string): YamlMap | undefined => {
    sum.update(`${text.length}\n${text}`);
    const parsed = parseYaml(text, file);
    if (parsed.kind === 'parsed') {
      written.push(parsed.root);
      return parsed.root;
    }
    for (const { line, path, reason, advice } of parsed.problems)
      book.error({ file, line, path }, 'text', reason, advice);
    return undefined;
  };
  const nameOf = (path: string): string => {
    const inside = relative(cwd, path);
    return inside === '' || inside.startsWith('..') || isAbsolute(inside) ? path : inside;
  };

  /** @param chain absolute paths of the files that led here, this one last */
  const mergeIncludes = (root: YamlMap, folder: string, chain: readonly string[]): YamlMap => {
    const include = root.entries.get('include');
    if (include === undefined) return root;
    book.applied(include.place);
    if (include.kind !== 'list') {
      book.error(include.place, typeOf(include), `must be a list of file names, but is a ${typeOf(include)}`);
      return root;
    }
    let merged = root;
    for (const item of include.items) {
      if (item.kind !== 'scalar' || typeof item.value !== 'string') {
        book.error(item.place, typeOf(item), `must be a file name, but is a ${typeOf(item)}`);
        continue;
      }
      const path = resolve(folder, item.value);
      if (chain.includes(path)) {
        const names = [...chain.slice(chain.indexOf(path)), path].map(nameOf).join(' -> ');
        book.error(item.place, 'string', `the files include each other: ${names}`, 'remove one of the includes');
        continue;
      }
      const text = textAt(path);
      if (typeof text !== 'string') {
        book.error(item.place, 'string', `the included file ${nameOf(path)} ${text.problem}`);
        continue;
      }
      const included = parse(text, nameOf(path));
      if (included !== undefined)
        merged = merge(merged, mergeIncludes(included, dirname(path), [...chain, path]), book);
    }
    return merged;
  };

  if ('text' in source) {
    const root = parse(source.text, source.name);
    return done(root && mergeIncludes(root, cwd, [join(cwd, source.name)]));
  }
  const path = resolve(cwd, source.path);
  const text = textAt(path);
  if (typeof text !== 'string') {
    book.error({ file: nameOf(path), line: 0, path: '' }, 'file', `the configuration ${nameOf(path)} ${text.problem}`);
    return done(undefined, true);
  }
  const root = parse(text, nameOf(path));
  return done(root && mergeIncludes(root, dirname(path), [path]));
}

function merge(base: YamlMap, included: YamlMap, book: ReportBook): YamlMap {
  const entries = new Map(base.entries);
  for (const [key, value] of included.entries) {
    if (key === 'include') continue;
    const present = entries.get(key);
    if (present?.kind === 'list' && value.kind === 'list') {
      entries.set(key, { ...present, items: [...present.items, ...value.items] });
      book.applied(value.place, `added to ${where(present.place)}`);
    } else {
      if (present !== undefined) book.noEffect(present.place, `overwritten by the included ${where(value.place)}`);
      entries.set(key, value);
    }
  }
  return { ...base, entries };
}

const where = ({ file, line }: Place): string => `${file}:${line}`;

const PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EISDIR: 'is a folder',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8 text',
};

function textOf(path: string): string | { problem: string } {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    return { problem: PROBLEMS[(error as NodeJS.ErrnoException).code ?? ''] ?? 'cannot be read' };
  }
}
