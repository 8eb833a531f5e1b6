import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  cancelChannel,
  FEED_CHANNEL,
  INFERENCE,
  keysOf,
  REAPER,
  SUSPECTS,
  WORKERS,
  workerKey,
} from '../../libs/queue/src/group-keys.js';

const ROOT = join(import.meta.dirname, '..', '..');

const documents = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const read = (document: string): string => readFileSync(join(ROOT, document), 'utf8');
const withoutBlocks = (markdown: string): string => markdown.replaceAll(/^ *```[^]*?^ *```$/gm, '');

/** `[words](path)`, without what lies elsewhere and without the place in the page. */
const linksOf = (markdown: string): string[] =>
  [...withoutBlocks(markdown).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target));

/** `code` that looks like a path of this repository. */
const pathsOf = (markdown: string): string[] =>
  [...withoutBlocks(markdown).matchAll(/`((?:apps|libs|test|bench|docs|deploy|scripts|bin)\/[\w./-]*)`/g)].map(
    ([, path]) => path!,
  );

describe('the documents', () => {
  it.each(documents)('%s links to what exists', (document) => {
    const folder = dirname(join(ROOT, document));
    const missing = linksOf(read(document)).filter((target) => !existsSync(join(folder, target)));
    expect(missing).toEqual([]);
  });

  it.each(documents)('%s names paths that exist', (document) => {
    expect(pathsOf(read(document)).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(documents.filter((document) => document.startsWith('docs')))(
    '%s stands in the index of docs/',
    (document) => {
      if (document === join('docs', 'README.md')) return;
      expect(linksOf(read('docs/README.md'))).toContain(relative('docs', document));
    },
  );

  it('ARCHITECTURE.md names every key and channel of the queue', () => {
    const architecture = read('ARCHITECTURE.md');
    const { group: _, prefix, ...named } = keysOf('<group>');
    const keys = Object.values(named).map((key) => (typeof key === 'function' ? key('<id>') : (key as string)));
    keys.push(WORKERS, workerKey('<id>'), cancelChannel('<id>'), FEED_CHANNEL, REAPER);
    const bullmqs = [INFERENCE, SUSPECTS].map((name) => `${prefix}:${name}:`);
    const missing = keys.filter((key) => !architecture.includes(bullmqs.find((its) => key.startsWith(its)) ?? key));
    expect(missing).toEqual([]);
  });

  it('ARCHITECTURE.md has a row for every app and lib', () => {
    const architecture = read('ARCHITECTURE.md');
    const rooms = ['apps', 'libs'].flatMap((above) => readdirSync(join(ROOT, above)).map((name) => `${above}/${name}`));
    expect(rooms.filter((room) => !architecture.includes(`| [${room}](${room}) |`))).toEqual([]);
  });
});
