import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';

import type { Emit } from '@sluice/telemetry';
import type { Redis } from 'ioredis';
import { waitsForDisk } from './check-redis.js';
import { Disk } from './disk.js';
import { openRedis } from './open-redis.js';
import { reportOutages } from './report-outages.js';
import { untilReady } from './until-ready.js';

/** What this process holds open. A class, so that Nest can inject it by type. */
export class Connections {
  constructor(
    readonly commands: Redis,
    readonly subscriber: Redis,
    /** Absent: what Redis has answered needs not be waited for. */
    readonly disk: Disk | undefined,
  ) {}
}

/** A module of its own, so that it opens before and closes after the modules that import it. */
@Module({})
export class ConnectionsModule implements OnApplicationShutdown {
  constructor(private readonly connections: Connections) {}

  /** @throws a sentence when the server cannot keep what `strict` promises */
  static to(
    redisUrl: string,
    { role, durability }: { role: 'api' | 'worker'; durability: 'everysec' | 'strict' },
    emit: Emit,
  ): DynamicModule {
    const open = async (): Promise<Connections> => {
      const commands = openRedis(redisUrl, { role, onError: () => undefined });
      reportOutages(commands, emit);
      const subscriber = openRedis(redisUrl, { role: 'subscriber', onError: () => undefined });
      await Promise.all([untilReady(commands), untilReady(subscriber)]);
      const waits = durability === 'strict' && (await waitsForDisk(commands));
      return new Connections(commands, subscriber, waits ? new Disk(redisUrl, commands) : undefined);
    };
    return {
      module: ConnectionsModule,
      providers: [{ provide: Connections, useFactory: open }],
      exports: [Connections],
    };
  }

  onApplicationShutdown(): void {
    this.connections.disk?.stop();
    this.connections.commands.disconnect();
    this.connections.subscriber.disconnect();
  }
}
