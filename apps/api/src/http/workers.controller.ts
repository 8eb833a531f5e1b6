import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { drainWorker, lookAtWorkers, type WorkerLook } from '@sluice/queue';
import { Connections } from '@sluice/state';
import type { WorkerState } from '@sluice/wire';
import { apiError } from './api-error.js';
import { Management } from './open-route.js';

const LOST_MS = 7_000;

/** Who runs the jobs, and taking one out before its machine is. */
@Controller('v1/workers')
export class WorkersController {
  constructor(private readonly connections: Connections) {}

  @Management()
  @Get()
  async list(): Promise<{ object: 'list'; data: WorkerState[] }> {
    const looks = await lookAtWorkers(this.connections.commands);
    return { object: 'list', data: looks.map(viewOf) };
  }

  /**
   * It takes no more jobs; those that it runs may end within its drain time (`SLUICE_DRAIN_MS`), the others go back to their
   * queue. The process stays, and is stopped by whoever started it. Its id has a slash: `%2F` in the path.
   */
  @Management()
  @Post(':id/drain')
  @HttpCode(202)
  async drain(@Param('id') id: string): Promise<WorkerState> {
    const redis = this.connections.commands;
    const look = (await lookAtWorkers(redis)).find(({ workerId }) => workerId === id);
    if (look === undefined || !(await drainWorker(redis, id))) {
      throw apiError('not_found', 'There is no worker with this id that could be asked to drain.');
    }
    return { ...viewOf(look), status: 'draining' };
  }
}

const viewOf = (look: WorkerLook): WorkerState => ({
  id: look.workerId,
  object: 'worker',
  status: statusOf(look),
  groups: look.groups,
  concurrency: look.concurrency,
  running: look.running,
  runs_suspects: look.runsSuspects,
  started_at: Math.floor(look.startedAtMs / 1_000),
  last_beat_ms: look.lastBeatMs,
});

function statusOf({ lastBeatMs, isDraining, running }: WorkerLook): WorkerState['status'] {
  if (lastBeatMs > LOST_MS) return 'lost';
  if (!isDraining) return 'running';
  return running > 0 ? 'draining' : 'drained';
}
