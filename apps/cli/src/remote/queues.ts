import type { QueueState, WorkerState } from '@sluice/wire';
import type { Said } from './jobs.js';
import { CommandError, type Server } from './server.js';
import { durationOf, table } from './table.js';

export async function listQueues(server: Server): Promise<Said> {
  const list = await server.get<{ data: QueueState[] }>('queues');
  return { text: queueTable(list.data), json: list };
}

export async function changeQueue(server: Server, group: string, how: 'pause' | 'resume'): Promise<Said> {
  const queue = await server.post<QueueState>(`queues/${encodeURIComponent(group)}/${how}`);
  return { text: queueTable([queue]), json: queue };
}

/** What is purged is gone: it is asked for twice. */
export async function purgeQueue(server: Server, group: string, isSure: boolean): Promise<Said> {
  const path = `queues/${encodeURIComponent(group)}`;
  if (!isSure) {
    const { waiting, delayed } = await server.get<QueueState>(path);
    const count = waiting + delayed;
    const what = count === 1 ? '1 job that waits' : `${count} jobs that wait`;
    throw new CommandError(`This cancels ${what}. Say --yes if that is meant.`, 1);
  }
  const purged = await server.post<{ purged: number }>(`${path}/purge`);
  return { text: `${purged.purged} cancelled.`, json: purged };
}

const queueTable = (queues: readonly QueueState[]): string =>
  table(
    ['GROUP', 'STATE', 'WAITING', 'DELAYED', 'ACTIVE', 'OLDEST', 'STARTS/S', 'TENANTS'],
    queues.map((queue) => [
      queue.group,
      queue.paused ? 'paused' : 'open',
      queue.waiting,
      queue.delayed,
      queue.active,
      durationOf(queue.oldest_wait_ms),
      queue.starts_per_s,
      new Set(queue.tenants.map(({ tenant }) => tenant)).size,
    ]),
  );

export async function listWorkers(server: Server): Promise<Said> {
  const list = await server.get<{ data: WorkerState[] }>('workers');
  return { text: list.data.length === 0 ? 'None.' : workerTable(list.data), json: list };
}

export async function drainWorker(server: Server, id: string): Promise<Said> {
  const worker = await server.post<WorkerState>(`workers/${encodeURIComponent(id)}/drain`);
  return { text: workerTable([worker]), json: worker };
}

const workerTable = (workers: readonly WorkerState[]): string =>
  table(
    ['ID', 'STATUS', 'RUNNING', 'AT A TIME', 'LAST BEAT', 'GROUPS'],
    workers.map((worker) => [
      worker.id,
      worker.status,
      worker.running,
      worker.concurrency,
      durationOf(worker.last_beat_ms),
      worker.groups.join(', '),
    ]),
  );
