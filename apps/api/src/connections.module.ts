import { Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { openRedis, reportOutages, untilReady } from '@sluice/state';
import type { Emit } from '@sluice/telemetry';

type Redis = ReturnType<typeof openRedis>;

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

  static to(redisUrl: string, emit: Emit): DynamicModule {
    const open = async (): Promise<Connections> => {
      const commands = openRedis(redisUrl, { role: 'api', onError: () => undefined });
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
