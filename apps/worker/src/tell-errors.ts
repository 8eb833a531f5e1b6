import { StoreUnavailable } from '@sluice/store';
import type { Emit } from '@sluice/telemetry';

/**
 * While Redis refuses, every loop of every group fails several times a second: one of them is told. That it cannot be
 * reached, `redis.lost` has told. That PostgreSQL is away is no surprise, and may last: it is told once a minute.
 */
export function errorTeller(emit: Emit): (error: Error) => void {
  const tellError = atMostEach(1_000, ({ message }) => emit('internal.error', { area: 'worker', message }));
  const tellAway = atMostEach(60_000, (error) => emit('database.away', { message: reasonOf(error) }));
  return (error) => {
    if (error instanceof StoreUnavailable) tellAway(error);
    else if (!isNoConnection(error)) tellError(error);
  };
}

/** Of ioredis, when it tries to come back and when a command finds it gone: both wait for the connection that is told as lost. */
const isNoConnection = (error: Error): boolean =>
  ('syscall' in error && error.syscall === 'connect') || error.message === 'Connection is closed.';

function atMostEach(ms: number, tell: (error: Error) => void): (error: Error) => void {
  let toldAt = -Infinity;
  return (error) => {
    const now = performance.now();
    if (now - toldAt < ms) return;
    toldAt = now;
    tell(error);
  };
}

/** Callers are told less: the cause may name an address. */
const reasonOf = ({ message, cause }: Error): string =>
  (cause instanceof Error && cause.message !== '' ? cause.message : message).slice(0, 200);
