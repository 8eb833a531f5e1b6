import type { ServerResponse } from 'node:http';

/**
 * Cuts a reader that takes nothing of its last bytes for `ms`: up to 32 MiB would stay until TCP gives up, and a shutdown
 * would wait for it. Node counts a write that goes on as activity, so a slow reader has its time.
 */
export function cutWhenUnread(raw: ServerResponse, ms: number): void {
  const { socket } = raw;
  if (socket === null) return;
  raw.setTimeout(ms, () => raw.destroy());
  raw.prependOnceListener('finish', () => socket.setTimeout(0)); // before Node sets its own, for the next request
}
