import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Settings } from '@sluice/config';
import type { DatabaseSource } from '@sluice/store';
import { createLogger, emitTo } from '@sluice/telemetry';
import type { SuspectsRole } from './suspects-process.js';
import { WorkerProcess } from './worker-process.js';
import { WorkerModule } from './worker.module.js';

/** Builds and starts the worker. Installs no signal handlers: who starts it decides how it stops. */
export async function createWorker(
  settings: Settings,
  redisUrl: string,
  suspects: SuspectsRole = { run: 'nowhere' },
  database: DatabaseSource = settings.databaseUrl,
): Promise<INestApplicationContext> {
  const logger = createLogger(settings.logLevel);
  const log = { emit: emitTo(logger), setLevel: (level: string) => void (logger.level = level) };
  return NestFactory.createApplicationContext(WorkerModule.with(settings, redisUrl, log, suspects, database), {
    logger: ['error', 'warn', 'fatal'],
    abortOnError: false,
  });
}

/** Puts other settings in force while the worker runs. */
export function reconfigureWorker(worker: INestApplicationContext, settings: Settings): Promise<void> {
  return worker.get(WorkerProcess).reconfigure(settings);
}
