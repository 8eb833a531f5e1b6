import {
  changedSettings,
  ConfigReloader,
  lineOf,
  type LoadInput,
  type RejectedConfig,
  type Settings,
} from '@sluice/config';
import { createLogger, emitTo } from '@sluice/telemetry';
import { isTerminalGone } from './terminal.js';

/** A role that can go on with other settings. */
export interface Configured {
  apply: (settings: Settings) => Promise<void>;
  reject: (rejected: RejectedConfig) => void;
}

/**
 * Keeps the roles of this process on the configuration: when its files change, and on SIGHUP.
 * @param roles in the order in which they take a new configuration
 */
export function followConfig(
  input: LoadInput,
  settings: Settings,
  roles: readonly Configured[],
  open: AsyncDisposableStack,
): void {
  const logger = createLogger(settings.logLevel);
  const emit = emitTo(logger);
  const reloader = new ConfigReloader(input, settings, {
    async apply(next, before) {
      for (const role of roles) await role.apply(next);
      logger.level = next.logLevel;
      emit('config.reloaded', { hash: next.hash, ...changedSettings(before, next) });
    },
    reject(rejected) {
      for (const role of roles) role.reject(rejected);
      emit('config.rejected', { errors: rejected.errors.map(lineOf) });
    },
    onError: (error) => emit('internal.error', { area: 'config', message: error.message }),
  });
  const onHangUp = (): void => {
    // A terminal that is closed sends the same signal: who runs Sluice in one expects it to end with it.
    if (isTerminalGone()) process.kill(process.pid, 'SIGTERM');
    else void reloader.reload('told');
  };
  process.on('SIGHUP', onHangUp);
  reloader.start();
  open.defer(() => {
    process.off('SIGHUP', onHangUp);
    reloader.stop();
  });
}
