import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { LazyDatabase } from './lazy-database.js';

/** What a process is told of its database: a URL, none, or one that is open elsewhere in this process. */
export type DatabaseSource = string | undefined | LazyDatabase;

const OWNS_IT = Symbol('OWNS_IT');

/** A module of its own, so that it closes after the modules that import it. Who handed a database in closes it. */
@Module({})
export class StoreModule implements OnApplicationShutdown {
  constructor(
    private readonly database: LazyDatabase,
    @Inject(OWNS_IT) private readonly ownsIt: boolean,
  ) {}

  static with(source: DatabaseSource): DynamicModule {
    const isHandedIn = source instanceof LazyDatabase;
    return {
      module: StoreModule,
      providers: [
        { provide: LazyDatabase, useValue: isHandedIn ? source : LazyDatabase.at(source) },
        { provide: OWNS_IT, useValue: !isHandedIn },
      ],
      exports: [LazyDatabase],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.ownsIt) await this.database.stop();
  }
}
