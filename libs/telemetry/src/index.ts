export { LEVEL_OF, type Emit, type EventName, type Events } from './events.js';
export { createLogger, emitTo } from './logger.js';
