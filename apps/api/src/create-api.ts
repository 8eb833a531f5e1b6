import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Settings } from '@sluice/config';
import { createLogger, emitTo } from '@sluice/telemetry';
import { ApiModule } from './api.module.js';
import { openHttp } from './http/http-server.js';
import { HTTP_TIMES, type HttpTimes } from './http/http-times.js';
import { MasterKey } from './http/master-key.js';

/** Builds the api, ready to listen. Installs no signal handlers: who starts it decides how it stops. */
export async function createApi(
  settings: Settings,
  redisUrl: string,
  times: HttpTimes = HTTP_TIMES,
): Promise<NestFastifyApplication> {
  const emit = emitTo(createLogger(settings.logLevel));
  const masterKey = new MasterKey(settings.masterKey);
  const adapter = openHttp(settings.maxBodyBytes, masterKey, times);
  const module = ApiModule.with(settings, redisUrl, { masterKey, times, emit });
  return NestFactory.create<NestFastifyApplication>(module, adapter, {
    bodyParser: false,
    logger: ['error', 'warn', 'fatal'],
    abortOnError: false,
  });
}
