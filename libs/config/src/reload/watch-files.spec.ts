import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../../../test/eventually.js';
import { FileWatch } from './watch-files.js';

describe('FileWatch', () => {
  let dir: string;
  let file: string;
  let paths: string[];
  let told: number[];
  let watch: FileWatch;

  const toldAgain = (times: number): Promise<void> =>
    eventually(() => told.length >= times, { withinMs: 3_000, what: `${times} changes, and not ${told.length}` });

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sluice-watch-'));
    file = join(dir, 'a.yaml');
    writeFileSync(file, 'one');
    [paths, told] = [[file], []];
    watch = new FileWatch(
      () => paths,
      () => told.push(performance.now()),
    );
    watch.start();
    await toldAgain(1); // it may have changed since it was read
  });
  afterEach(() => {
    watch.stop();
    rmSync(dir, { recursive: true });
  });

  it('waits for a file that is being written until it rests for 300 ms', async () => {
    let lastAtMs = 0;
    let writes = 0;
    const writing = setInterval(() => {
      appendFileSync(file, '.');
      lastAtMs = performance.now();
      if (++writes === 12) clearInterval(writing);
    }, 100);
    await toldAgain(2);
    expect(writes).toBe(12);
    expect(told[1]! - lastAtMs).toBeGreaterThanOrEqual(290);
  });

  it('tells of a file that goes, comes back, or joins the others', async () => {
    rmSync(file);
    await toldAgain(2);
    writeFileSync(`${file}.draft`, 'two');
    renameSync(`${file}.draft`, file);
    await toldAgain(3);
    paths = [file, join(dir, 'b.yaml')];
    await toldAgain(4);
    writeFileSync(join(dir, 'b.yaml'), 'three');
    await toldAgain(5);
    expect(told).toHaveLength(5); // each once
  });
});
