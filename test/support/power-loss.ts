import { expect } from '@jest/globals';
import { eventually } from '../eventually.js';
import type { Cluster } from './cluster.js';
import { MASTER_KEY } from './sluice.js';
import type { SluiceProcess } from './sluice-process.js';
import { SyncedBytes } from './synced-bytes.js';

const headers = { 'content-type': 'application/json', authorization: `Bearer ${MASTER_KEY}` };

export interface PowerLoss {
  /** Ids of jobs that were confirmed. */
  accepted: string[];
  /** What callers were told of jobs that were over, by id. */
  told: Map<string, string>;
  /** Bytes of the append-only file that were not on disk, and are gone. */
  lostBytes: number;
}

/**
 * Jobs are submitted and their results fetched until the host of Redis loses its power: it is killed, and what it has not
 * said to be on disk is cut off. Then it is started again.
 */
export async function losePower(
  cluster: Cluster,
  api: SluiceProcess,
  { afterMs, how, submitters }: { afterMs: number; how: 'always' | 'waitaof'; submitters: number },
): Promise<PowerLoss> {
  const accepted: string[] = [];
  const told = new Map<string, string>();
  const watch = await new SyncedBytes(cluster.redis.url, how).start();
  let isOn = true;
  let broken: Error | undefined;
  const submitting = Array.from({ length: submitters }, async () => {
    while (isOn) {
      const id = await submit(api.origin);
      if (id === undefined) continue;
      accepted.push(id);
      const ending = tellEnd(api.origin, id);
      ending.then(
        (end) => end !== undefined && told.set(id, end),
        (error: Error) => (broken ??= error),
      );
    }
  });
  const startedAt = performance.now();
  await eventually(() => performance.now() - startedAt > afterMs && told.size >= 20, {
    withinMs: afterMs + 10_000,
    what: 'results, and the loss of power',
  });
  await cluster.redis.stop('SIGKILL');
  isOn = false;
  const file = cluster.redis.appendOnlyFile();
  const before = cluster.redis.appendOnlyBytes();
  const onDisk = await watch.stop(file);
  await Promise.all(submitting);
  cluster.redis.cutAppendOnlyTo(onDisk);
  await cluster.redis.start();
  if (broken !== undefined) throw broken;
  return { accepted, told, lostBytes: before - onDisk };
}

/** Each job that was confirmed is there and completes; what was told of one that was over is told again, word for word. */
export async function nothingConfirmedIsLost(
  api: SluiceProcess,
  { accepted, told }: PowerLoss,
  withinMs: number,
): Promise<void> {
  const left = new Set(accepted);
  await eventually(
    async () => {
      const ends = await Promise.all([...left].map(async (id) => [id, await tellEnd(api.origin, id)] as const));
      for (const [id, end] of ends) {
        if (end === undefined) continue;
        if (told.has(id)) expect(end).toBe(told.get(id));
        left.delete(id);
      }
      return left.size === 0;
    },
    { withinMs, what: 'every confirmed job to be over' },
  );
}

/** Undefined: it was not confirmed. */
async function submit(origin: string): Promise<string | undefined> {
  const body = { model: 'gpt-4o', messages: [{ role: 'user', content: 'call f8.' }] };
  const job = JSON.stringify({ endpoint: '/v1/chat/completions', body });
  const response = await fetch(`${origin}/v1/jobs`, { method: 'POST', headers, body: job });
  const answer = (await response.json()) as { id: string; error?: { code: string } };
  if (response.status === 202) return answer.id;
  expect([response.status, answer.error?.code]).toEqual([503, 'storage_unavailable']);
  return undefined;
}

/** The job and its result; undefined: it is not over, or nobody can say. @throws when there is no such job */
async function tellEnd(origin: string, id: string): Promise<string | undefined> {
  const job = await fetch(`${origin}/v1/jobs/${id}?wait=2`, { headers });
  const view = (await job.json()) as { status: string };
  if (job.status === 503) return undefined;
  expect([job.status, id]).toEqual([200, id]);
  if (view.status === 'queued' || view.status === 'running') return undefined;
  expect([view.status, id]).toEqual(['completed', id]);
  const result = await fetch(`${origin}/v1/jobs/${id}/result`, { headers });
  return result.status === 200 ? JSON.stringify([view, await result.json()]) : undefined;
}
