import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { newSecret, signedHeaders } from '@sluice/webhooks';
import { eventually } from '../eventually.js';
import { blockOf } from '../support/guide-examples.js';

const ROOT = join(import.meta.dirname, '../..');
const GUIDE = readFileSync(join(ROOT, 'docs/webhooks.md'), 'utf8');

describe('the receiver in docs/webhooks.md', () => {
  it('takes what is signed, once, and refuses what is not', async () => {
    const program = blockOf(GUIDE, 'js');
    const secret = newSecret();
    const receiver = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'], WEBHOOK_SECRET: secret, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    receiver.stdout.on('data', (text: Buffer) => (said += text.toString()));
    try {
      await eventually(() => /listening on \d+/.test(said), { withinMs: 10_000, what: 'the receiver to listen' });
      const url = `http://127.0.0.1:${/\d+/.exec(said)![0]}/`;
      const body = JSON.stringify({ id: 'evt_1', type: 'job.completed', data: { id: 'job_1', status: 'completed' } });
      const post = async (sent: string): Promise<number> => {
        const headers = { ...signedHeaders('evt_1', body, [secret], Date.now()) };
        return (await fetch(url, { method: 'POST', headers, body: sent })).status;
      };
      expect([await post(body), await post(body), await post(`${body} `)]).toEqual([204, 204, 400]);
      await eventually(() => said.includes('job.completed job_1 completed\n'), { withinMs: 5_000, what: 'the event' });
      expect(said.match(/job\.completed/g)).toHaveLength(1);
    } finally {
      receiver.kill('SIGKILL');
    }
  });
});
