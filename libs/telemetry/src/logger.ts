import { pino, type Logger } from 'pino';
import { LEVEL_OF, type Emit } from './events.js';

/** JSON lines on standard error: standard output belongs to the commands. */
export function createLogger(level: string): Logger {
  const stderr = pino.destination(2);
  stderr.on('error', () => undefined); // a terminal that was closed; nobody reads there, and no call may fail for that
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, stderr);
}

export function emitTo(logger: Logger): Emit {
  return (event, fields) => logger[LEVEL_OF[event]]({ event, ...fields });
}
