import { Controller, Get, Param } from '@nestjs/common';
import { tenantOf, weightOf } from '@sluice/core';
import { QueueView } from '@sluice/queue';
import { LiveSettings } from '../live-settings.js';
import { apiError } from './api-error.js';
import { Management } from './open-route.js';

interface Queue {
  group: string;
  paused: boolean;
  /** Not begun, wherever they wait. */
  waiting: number;
  delayed: number;
  active: number;
  oldest_wait_ms: number | null;
  /** Of the last minute; null: nothing has waited in it. */
  starts_per_s: number | null;
  /** Those whose calls wait in the backlog, a row for each share that they have. */
  tenants: { tenant: string; weight: number; waiting: number }[];
}

/** What waits for each model, and for whom. */
@Controller('v1/queues')
export class QueuesController {
  constructor(
    private readonly live: LiveSettings,
    private readonly view: QueueView,
  ) {}

  @Management()
  @Get()
  async list(): Promise<{ object: 'list'; data: Queue[] }> {
    const groups = [...this.live.settings.models.groups.keys()];
    return { object: 'list', data: await Promise.all(groups.map((group) => this.queueOf(group))) };
  }

  @Management()
  @Get(':group')
  one(@Param('group') group: string): Promise<Queue> {
    if (!this.live.settings.models.groups.has(group)) {
      throw apiError('not_found', `There is no queue of a model group "${group}".`);
    }
    return this.queueOf(group);
  }

  private async queueOf(group: string): Promise<Queue> {
    const look = await this.view.look(group);
    return {
      group,
      paused: false,
      waiting: look.waiting + look.fed,
      delayed: 0,
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
