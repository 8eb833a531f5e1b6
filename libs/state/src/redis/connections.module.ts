import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';

import type { Emit } from '@sluice/telemetry';
import type { Redis } from 'ioredis';
import { openRedis } from './open-redis.js';
import { reportOutages } from './report-outages.js';
import { untilReady } from './until-ready.js';

/** What this process holds open. A class, so that Nest can inject it by type. */
export class Connections {
  constructor(
    readonly commands: Redis,
    readonly subscriber: Redis,
  ) {}
}

/** A module of its own, so that it opens before and closes after the modules that import it. */
@Module({})
export class ConnectionsModule implements OnApplicationShutdown {
  constructor(private readonly connections: Connections) {}

  static to(redisUrl: string, role: 'api' | 'worker', emit: Emit): DynamicModule {
    const open = async (): Promise<Connections> => {
      const commands = openRedis(redisUrl, { role, onError: () => undefined });
      reportOutages(commands, emit);
      const subscriber = openRedis(redisUrl, { role: 'subscriber', onError: () => undefined });
      return new Connections(await untilReady(commands), await untilReady(subscriber));
    };
    return {
      module: ConnectionsModule,
      providers: [{ provide: Connections, useFactory: open }],
      exports: [Connections],
    };
  }

  onApplicationShutdown(): void {
    this.connections.commands.disconnect();
    this.connections.subscriber.disconnect();
  }
}
