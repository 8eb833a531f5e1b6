import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { basename, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const WAITING = new Set(['(idle)', '(root)']);

/**
 * Sums a .cpuprofile up by package and by function; our own code by lib, found through the bundle's source maps.
 * @param profile as V8 writes it · fromUs, toUs: only samples between, on the monotonic clock
 * @returns wallUs, busyUs (without idling) · packages [{name, us}] · functions [{name, home, place, us}], most first
 */
export function selfTimes(profile, { fromUs, toUs, root }) {
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
  const sourceOf = sourceFinder(root);
  const packages = new Map();
  const functions = new Map();
  let busyUs = 0;
  let wallUs = 0;
  let atUs = profile.startTime;
  profile.samples.forEach((id, index) => {
    const us = Math.max(0, profile.timeDeltas[index]);
    atUs += us;
    if (atUs < fromUs || atUs > toUs) return;
    wallUs += us;
    const frame = frames.get(id);
    if (WAITING.has(frame.functionName)) return;
    busyUs += us;
    const { home, place } = sourceOf(frame);
    const name = frame.functionName || '(anonymous)';
    add(packages, home, { name: home }, us);
    add(functions, `${name} ${place}`, { name, home, place }, us);
  });
  return { wallUs, busyUs, packages: mostFirst(packages), functions: mostFirst(functions) };
}

function add(sums, key, entry, us) {
  const sum = sums.get(key) ?? sums.set(key, { ...entry, us: 0 }).get(key);
  sum.us += us;
}

const mostFirst = (sums) => [...sums.values()].toSorted((a, b) => b.us - a.us);

function sourceFinder(root) {
  const maps = new Map();
  const known = new Map();
  return ({ functionName, url, lineNumber, columnNumber }) => {
    const key = `${url}:${lineNumber}:${columnNumber}:${url === '' ? functionName : ''}`;
    if (!known.has(key)) known.set(key, find({ functionName, url, lineNumber, columnNumber }));
    return known.get(key);
  };

  function find({ functionName, url, lineNumber, columnNumber }) {
    if (url === '') return { home: functionName.startsWith('(') ? functionName : 'V8 built-ins', place: '' };
    if (url.startsWith('node:')) return { home: 'node', place: `${url}:${lineNumber + 1}` };
    const file = url.startsWith('file:') ? fileURLToPath(url) : url;
    const dependency = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(file);
    if (dependency) return { home: dependency[1], place: `${basename(dependency[2])}:${lineNumber + 1}` };
    const source = mapOf(file)?.findEntry(lineNumber, columnNumber);
    if (source?.originalSource === undefined)
      return { home: 'sluice', place: `${relative(root, file)}:${lineNumber + 1}` };
    const place = source.originalSource.replace(/^(?:.*:\/\/[^/]*\/|(?:\.\.?\/)+|\/+)*/, '');
    const room = /(?:apps|libs)\/[^/]+/.exec(place)?.[0] ?? 'sluice';
    return { home: `sluice ${room}`, place: `${place}:${source.originalLine + 1}` };
  }

  function mapOf(file) {
    if (!maps.has(file)) {
      const map = `${file}.map`;
      maps.set(file, existsSync(map) ? new SourceMap(JSON.parse(readFileSync(map, 'utf8'))) : undefined);
    }
    return maps.get(file);
  }
}
