import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Settings } from '@sluice/config';
import { createLogger, emitTo } from '@sluice/telemetry';
import { WorkerModule } from './worker.module.js';

/** Builds and starts the worker. Installs no signal handlers: who starts it decides how it stops. */
export async function createWorker(settings: Settings, redisUrl: string): Promise<INestApplicationContext> {
  const emit = emitTo(createLogger(settings.logLevel));
  return NestFactory.createApplicationContext(WorkerModule.with(settings, redisUrl, emit), {
    logger: ['error', 'warn', 'fatal'],
    abortOnError: false,
  });
}
