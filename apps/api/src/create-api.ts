import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { RejectedConfig, Settings } from '@sluice/config';
import type { DatabaseSource } from '@sluice/store';
import { createLogger, emitTo } from '@sluice/telemetry';
import { ApiModule } from './api.module.js';
import { UploadRoute } from './http/files/upload-route.js';
import { openHttp } from './http/http-server.js';
import { HTTP_TIMES, type HttpTimes } from './http/http-times.js';
import { MasterKey } from './http/master-key.js';
import { LiveSettings } from './live-settings.js';

/** Builds the api, ready to listen. Installs no signal handlers: who starts it decides how it stops. */
export async function createApi(
  settings: Settings,
  redisUrl: string,
  times: HttpTimes = HTTP_TIMES,
  database: DatabaseSource = settings.databaseUrl,
): Promise<NestFastifyApplication> {
  const logger = createLogger(settings.logLevel);
  const parts = { emit: emitTo(logger), setLogLevel: (level: string) => void (logger.level = level) };
  const masterKey = new MasterKey(settings.masterKey);
  const uploads = new UploadRoute();
  const adapter = openHttp(settings.maxBodyBytes, masterKey, times, uploads);
  const module = ApiModule.with(settings, redisUrl, { ...parts, masterKey, times, database, uploads });
  return NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: ['error', 'warn', 'fatal'],
    abortOnError: false,
  });
}

/** Puts other settings in force while calls go on; those that are in have begun with the old ones. */
export function reconfigureApi(api: NestFastifyApplication, settings: Settings): Promise<void> {
  return api.get(LiveSettings).reconfigure(settings);
}

/** A configuration was not taken: it is shown until one is. */
export function showRejected(api: NestFastifyApplication, rejected: RejectedConfig): void {
  api.get(LiveSettings).rejected = rejected;
}
