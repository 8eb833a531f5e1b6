import type { IncomingHttpHeaders } from 'node:http';
import type { Route } from './routes.js';
import { isObject, ScriptError } from './script/checks.js';
import { faultInHeader, faultInModel, type TravellingRule } from './script/one-call.js';

/** A call as it came in, read as far as every format is the same. */
export interface Question {
  route: Route;
  method: string;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
  /** Undefined: the bytes are no JSON object. */
  body: Record<string, unknown> | undefined;
  /** Without a fault suffix; empty when none is named. */
  model: string;
  /** The header's before the suffix's. */
  travelling: TravellingRule[];
  /** A fault of this call that cannot be read. */
  problem: ScriptError | undefined;
}

export function readQuestion(route: Route, method: string, headers: IncomingHttpHeaders, bytes: Buffer): Question {
  // What a hook got is logged as it came: signatures are of the bytes.
  const body = route.what === 'chat' ? jsonObject(bytes) : route.what === 'hook' ? undefined : {};
  const named = route.model ?? (typeof body?.['model'] === 'string' ? body['model'] : '');
  const question: Question = { route, method, headers, bytes, body, model: named, travelling: [], problem: undefined };
  const header = headers['x-sim-fault'];
  if (header === undefined && !named.includes('~')) return question;
  try {
    const { model, travelling } = faultInModel(named);
    const first = typeof header === 'string' ? [faultInHeader(header)] : [];
    return { ...question, model, travelling: travelling === undefined ? first : [...first, travelling] };
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return { ...question, problem: error };
  }
}

function jsonObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
