import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch, node } from '../machine/processes.mjs';
import { startRedis } from './redis.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const LATE_MS = 30_000;

/**
 * BullMQ alone, what the queue costs at the least: one process adds empty jobs, another takes each and tells the first by a
 * message. No HTTP, no record, no upstream.
 */
export async function startRawQueue() {
  const redis = await startRedis();
  const half = (role) =>
    launch(`raw-${role}`, node, [join(here, 'raw-queue-process.mjs'), role, redis.socket], {
      ready: /ready/,
      ipc: true,
    });
  const worker = await half('worker');
  const adder = await half('adder');
  const processes = [adder, worker, redis];
  return {
    pids: processes.map(({ pid }) => pid),
    /** The same result as `load`. */
    load: ({ concurrency, seconds }) =>
      new Promise((resolve, reject) => {
        const patience = setTimeout(
          () => reject(new Error('The raw queue does not answer.')),
          seconds * 1_000 + LATE_MS,
        );
        adder.child.once('message', (result) => {
          clearTimeout(patience);
          resolve(result);
        });
        adder.child.send({ concurrency, seconds });
      }),
    async stop() {
      for (const { stop } of processes) await stop();
    },
  };
}
