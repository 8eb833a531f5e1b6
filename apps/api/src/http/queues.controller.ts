import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { tenantOf, weightOf } from '@sluice/core';
import { QueueControl, QueueView } from '@sluice/queue';
import type { Outcome, QueueState } from '@sluice/wire';
import { LiveSettings } from '../live-settings.js';
import { apiError } from './api-error.js';
import { Management } from './open-route.js';

/** What waits for each model, and for whom; and what an operator does about it. */
@Controller('v1/queues')
export class QueuesController {
  constructor(
    private readonly live: LiveSettings,
    private readonly view: QueueView,
    private readonly control: QueueControl,
  ) {}

  @Management()
  @Get()
  async list(): Promise<{ object: 'list'; data: QueueState[] }> {
    const groups = [...this.live.settings.models.groups.keys()];
    return { object: 'list', data: await Promise.all(groups.map((group) => this.queueOf(group))) };
  }

  @Management()
  @Get(':group')
  one(@Param('group') group: string): Promise<QueueState> {
    return this.queueOf(this.known(group));
  }

  /** Calls are taken in and none is started; those that run go on. Until `resume`, whatever is restarted meanwhile. */
  @Management()
  @Post(':group/pause')
  @HttpCode(200)
  async pause(@Param('group') group: string): Promise<QueueState> {
    await this.control.pause(this.known(group));
    return this.changed(group);
  }

  @Management()
  @Post(':group/resume')
  @HttpCode(200)
  async resume(@Param('group') group: string): Promise<QueueState> {
    await this.control.resume(this.known(group));
    return this.changed(group);
  }

  /** Cancels what waits; what runs goes on. */
  @Management()
  @Post(':group/purge')
  @HttpCode(200)
  async purge(@Param('group') group: string): Promise<{ purged: number }> {
    return { purged: await this.control.purge(this.known(group), JSON.stringify(PURGED)) };
  }

  private known(group: string): string {
    if (this.live.settings.models.groups.has(group)) return group;
    throw apiError('not_found', `There is no queue of a model group "${group}".`);
  }

  private changed(group: string): Promise<QueueState> {
    this.view.forget(group);
    return this.queueOf(group);
  }

  private async queueOf(group: string): Promise<QueueState> {
    const look = await this.view.look(group);
    return {
      group,
      paused: look.isPaused,
      waiting: look.waiting + look.fed,
      delayed: look.delayed,
      active: look.active,
      oldest_wait_ms: look.oldestWaitMs ?? null,
      starts_per_s: look.startsPerSecond === undefined ? null : Number(look.startsPerSecond.toFixed(2)),
      tenants: look.lines.map(({ line, jobs }) => ({
        tenant: tenantOf(line),
        weight: weightOf(line),
        waiting: jobs,
      })),
    };
  }
}

const PURGED: Outcome = {
  state: 'cancelled',
  error: { code: 'job_cancelled', message: 'The queue that the call waited in was purged.' },
};
