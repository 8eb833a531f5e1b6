import type { Format } from './formats/format.js';
import type { Fault } from './script/fault.js';
import type { LimitScript } from './script/script.js';

export type RetryStyle = LimitScript['retryAfter'];

/** When to come back, the way the script says it; the error's text says it too, but for style `none`. */
export function retryHeaders(retryAfterMs: number, style: RetryStyle, format: Format, unixMs: number): string[] {
  const seconds = String(Math.ceil(retryAfterMs / 1_000));
  switch (style) {
    case 's':
      return format.saysMillisecondsToo
        ? ['retry-after', seconds, 'retry-after-ms', String(retryAfterMs)]
        : ['retry-after', seconds];
    case 'ms':
      return ['retry-after-ms', String(retryAfterMs)];
    case 'date': {
      // Dates have whole seconds: rounded up, or a caller would come too early. Outside Date's range: as far as it goes.
      const atMs = Math.ceil((unixMs + Math.max(-LONGEST_MS, Math.min(LONGEST_MS, retryAfterMs))) / 1_000) * 1_000;
      return ['retry-after', new Date(atMs).toUTCString()];
    }
    case 'body':
    case 'none':
      return [];
  }
}
const LONGEST_MS = 100_000 * 86_400_000;

/** Everything but what frames the body, with what the fault adds, replaces and takes away. */
export function replyHeaders(
  format: Format,
  n: number,
  fault: Fault,
  type: string,
  extra: readonly string[],
): string[] {
  const headers = [...typeHeaders(fault, type), ...format.requestIdHeaders(n), ...extra];
  if (fault.gzip === true) headers.push('content-encoding', 'gzip');
  if (fault.headers === undefined) return headers;
  const own = fault.headers;
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (!Object.hasOwn(own, headers[i]!)) kept.push(headers[i]!, headers[i + 1]!);
  }
  for (const [name, values] of Object.entries(own)) {
    for (const value of values === null ? [] : [values].flat()) kept.push(name, value);
  }
  return kept;
}

const typeHeaders = ({ contentType }: Fault, type: string): string[] =>
  contentType === undefined ? ['content-type', type] : [contentType].flat().flatMap((value) => ['content-type', value]);
