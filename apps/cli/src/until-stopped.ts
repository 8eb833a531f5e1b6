import { leave } from './terminal.js';

/** Ctrl-C under `npm start` arrives twice: from the terminal and handed on by npm. */
const SAME_SIGNAL_MS = 500;

/** What a role opens, step by step; closed in the reverse order. */
export type Opening = (open: AsyncDisposableStack, signal: AbortSignal) => Promise<void>;

/**
 * Opens something that runs until SIGINT or SIGTERM, closes it and leaves with status 0. A second signal leaves at once
 * (status 130); so does a close that takes longer than `closeWithinMs` (status 1).
 * @param opening Looks at its signal between two steps (`throwIfAborted`), so that a stop in the middle of a start closes
 * what is open by then.
 * @throws What `opening` threw, after everything was closed again.
 */
export async function runUntilStopped(opening: Opening, closeWithinMs: number): Promise<void> {
  const stopped = new AbortController();
  let firstAtMs = 0;
  const onSignal = (): void => {
    if (!stopped.signal.aborted) {
      firstAtMs = Date.now();
      stopped.abort();
    } else if (Date.now() - firstAtMs > SAME_SIGNAL_MS) {
      leave(130);
    }
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);

  const open = new AsyncDisposableStack();
  try {
    await opening(open, stopped.signal);
    await aborted(stopped.signal);
  } catch (error) {
    await closeAll(open, closeWithinMs);
    if (!stopped.signal.aborted) throw error;
  }
  await closeAll(open, closeWithinMs);
  leave(0); // whatever a library still holds open
}

async function closeAll(open: AsyncDisposableStack, withinMs: number): Promise<void> {
  const patience = setTimeout(() => {
    process.stderr.write(`sluice: not everything closed within ${withinMs} ms; leaving all the same.\n`);
    leave(1);
  }, withinMs);
  await open.disposeAsync().finally(() => clearTimeout(patience));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
