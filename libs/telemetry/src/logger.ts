import { pino, type Logger } from 'pino';
import { LEVEL_OF, type Emit } from './events.js';

/** JSON lines on standard error: standard output belongs to the commands. */
export function createLogger(level: string): Logger {
  return pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}

export function emitTo(logger: Logger): Emit {
  return (event, fields) => logger[LEVEL_OF[event]]({ event, ...fields });
}
