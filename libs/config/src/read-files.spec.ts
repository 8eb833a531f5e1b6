import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readConfig, type Config } from './read-config.js';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'sluice-config-'));
});
afterEach(() => rmSync(cwd, { recursive: true }));

const write = (files: Record<string, string | Buffer>): void => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), content);
  }
};
const read = (file = 'config.yaml'): Config => readConfig({ env: { OPENAI_API_KEY: 'k' }, cwd, file });
const model = (name: string): string => `model_list: [{model_name: ${name}, litellm_params: {model: gpt-4o}}]\n`;

describe('include (L4)', () => {
  it('appends lists, and overwrites every other key', () => {
    write({
      'config.yaml': `include: [parts/a.yaml]\n${model('main')}router_settings: {num_retries: 1, timeout: 5}\n`,
      'parts/a.yaml': `include: [b.yaml]\n${model('a')}router_settings:\n  num_retries: 7\n`,
      'parts/b.yaml': model('b'),
    });
    const { models, policy, report } = read();
    expect([...models.groups.keys()]).toEqual(['main', 'a', 'b']);
    expect(policy).toMatchObject({ numRetries: 7, timeoutMs: 600_000 });
    expect(report.errors).toEqual([]);
    expect(report.noEffect).toContainEqual(
      expect.objectContaining({
        file: 'config.yaml',
        line: 3,
        path: 'router_settings',
        reason: 'overwritten by the included parts/a.yaml:3',
      }),
    );
    expect(report.applied).toContainEqual(
      expect.objectContaining({ file: 'parts/b.yaml', line: 1, path: 'model_list[0].model_name' }),
    );
  });

  it('in a ring is an error that names the chain', () => {
    write({
      'config.yaml': `${model('main')}include: [a.yaml]\n`,
      'a.yaml': 'include:\n  - b.yaml\n',
      'b.yaml': 'include:\n  - a.yaml\n',
    });
    expect(read().report.errors).toMatchObject([
      {
        file: 'b.yaml',
        line: 2,
        path: 'include[0]',
        reason: 'the files include each other: a.yaml -> b.yaml -> a.yaml',
      },
    ]);
  });

  it('of one file twice is no ring', () => {
    write({
      'config.yaml': `${model('main')}include: [a.yaml, b.yaml]\n`,
      'a.yaml': 'include: [c.yaml]\n',
      'b.yaml': 'include: [c.yaml]\n',
      'c.yaml': 'litellm_settings: {drop_params: true}\n',
    });
    expect(read().report.errors).toEqual([]);
  });

  it('tells a broken file with its own line', () => {
    write({ 'config.yaml': `${model('main')}include: [a.yaml]\n`, 'a.yaml': 'x:\n\ty: 1\n' });
    expect(read().report.errors).toMatchObject([{ file: 'a.yaml', line: 2 }]);
  });
});

describe('a file that cannot be read', () => {
  it('does not exist', () => {
    const { report, isUnreadable } = read('none.yaml');
    expect(isUnreadable).toBe(true);
    expect(report.errors.map(({ reason }) => reason)).toEqual(['the configuration none.yaml does not exist']);
  });

  it('is a folder', () => {
    mkdirSync(join(cwd, 'config.yaml'));
    expect(read().report.errors[0]?.reason).toBe('the configuration config.yaml is a folder');
  });

  it('is not UTF-8', () => {
    write({ 'config.yaml': Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]) });
    expect(read().report.errors[0]?.reason).toBe('the configuration config.yaml is not UTF-8 text');
  });

  it('belongs to somebody else', () => {
    write({ 'config.yaml': model('a') });
    chmodSync(join(cwd, 'config.yaml'), 0);
    const isRoot = process.getuid?.() === 0; // who may read everything
    expect(read().report.errors.map(({ reason }) => reason)).toEqual(
      isRoot ? [] : ['the configuration config.yaml may not be read by this user'],
    );
  });
});
