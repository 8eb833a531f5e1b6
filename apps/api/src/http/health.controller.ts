import { Controller, Get, Header, Inject, Req, Res } from '@nestjs/common';
import type { LazyDatabase } from '@sluice/store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LiveSettings } from '../live-settings.js';
import { HEALTH_DEPS } from '../tokens.js';
import { VERSION } from './answer-headers.js';
import { ApiException } from './api-error.js';
import { WRONG, type MasterKey } from './master-key.js';
import { isFromThisMachine, Open } from './open-route.js';

export interface HealthDeps {
  /** Rejects when Redis does not answer within a second. */
  pingRedis: () => Promise<unknown>;
  store: Pick<LazyDatabase, 'isConfigured' | 'isAway' | 'lookAgain'>;
  isDraining: () => boolean;
  /** Longest time that the event loop was blocked lately, ms. */
  eventLoopStuckMs: () => number;
  /** Breakers and cooldowns of all deployments; nothing is probed. */
  unhealthyDeployments: () => Promise<ReadonlySet<string>>;
  checkKey: MasterKey['check'];
}

const STUCK_MS = 30_000;

/** No health check ever calls a model: health is what traffic showed. */
@Controller()
export class HealthController {
  constructor(
    @Inject(HEALTH_DEPS) private readonly deps: HealthDeps,
    private readonly live: LiveSettings,
  ) {}

  /** Without a key empty lists: published compose files check it with `curl -f` and no key. */
  @Open()
  @Get('health')
  async health(@Req() request: FastifyRequest): Promise<unknown> {
    const [healthy, unhealthy]: [unknown[], unknown[]] = [[], []];
    if (this.mayList(request)) {
      const shut = await this.deps.unhealthyDeployments();
      for (const { id, fullModel, group, target, disabled } of this.live.settings.models.deployments.values()) {
        const view = { model: fullModel, model_name: group, model_id: id, api_base: originOf(target.baseUrl) };
        (shut.has(id) || disabled !== undefined ? unhealthy : healthy).push(view);
      }
    }
    return {
      healthy_endpoints: healthy,
      unhealthy_endpoints: unhealthy,
      healthy_count: healthy.length,
      unhealthy_count: unhealthy.length,
    };
  }

  /** Byte for byte what LiteLLM sends: a JSON string. */
  @Open()
  @Get(['health/liveliness', 'health/liveness', 'liveliness', 'liveness'])
  @Header('content-type', 'application/json')
  liveliness(): string {
    return '"I\'m alive!"';
  }

  @Open()
  @Get('health/readiness')
  async readiness(@Res() reply: FastifyReply): Promise<void> {
    const redis = await this.isRedisThere();
    await reply.code(redis && !this.deps.isDraining() ? 200 : 503).send({
      status: redis ? 'healthy' : 'unhealthy',
      db: this.deps.store.isConfigured && !this.deps.store.isAway ? 'connected' : 'Not connected',
      cache: redis ? 'redis' : null,
      litellm_version: VERSION,
    });
  }

  @Open()
  @Get('healthz')
  async alive(@Res() reply: FastifyReply): Promise<void> {
    const stuckMs = this.deps.eventLoopStuckMs();
    const isStuck = stuckMs > STUCK_MS;
    await reply
      .code(isStuck ? 503 : 200)
      .send({ status: isStuck ? 'stuck' : 'ok', event_loop_ms: Math.round(stuckMs) });
  }

  @Open()
  @Get('readyz')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    if (this.deps.isDraining()) await reply.code(503).send({ status: 'draining' });
    else if (await this.isRedisThere()) {
      // It serves all the same: on the configuration before, and what needs no database.
      this.deps.store.lookAgain();
      const isRejected = this.live.rejected !== undefined;
      const degraded = isRejected ? 'config_rejected' : this.deps.store.isAway ? 'no_database' : undefined;
      await reply.code(200).send({ status: 'ready', ...(degraded !== undefined && { degraded }) });
    } else await reply.code(503).send({ status: 'no_redis' });
  }

  /** Where no key is set, names and addresses of deployments are for this machine only. */
  private mayList(request: FastifyRequest): boolean {
    switch (this.deps.checkKey(request.headers)) {
      case 'right':
        return true;
      case 'wrong':
        throw new ApiException(WRONG);
      case 'missing':
        return false;
      case 'unneeded':
        return isFromThisMachine(request);
    }
  }

  private isRedisThere(): Promise<boolean> {
    return this.deps.pingRedis().then(
      () => true,
      () => false,
    );
  }
}

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : '');
