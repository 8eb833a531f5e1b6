import { isJobId } from '@sluice/core';
import type { HistoryFilter } from '@sluice/store';
import { ENDPOINTS, type TerminalState } from '@sluice/wire';
import { apiError } from '../../api-error.js';

export interface ListQuery {
  filter: JobFilter;
  after: string | undefined;
  limit: number;
  order: 'asc' | 'desc';
}

export type LiveStatus = 'queued' | 'delayed' | 'running';
const LIVE: readonly string[] = ['queued', 'delayed', 'running'] satisfies LiveStatus[];
const TERMINAL: readonly string[] = ['completed', 'failed', 'cancelled', 'expired'] satisfies TerminalState[];

/** What a caller may ask for; whose jobs they are comes from the key. */
export interface JobFilter extends Omit<HistoryFilter, 'tenant' | 'status' | 'isDeadLetter'> {
  status?: LiveStatus | TerminalState;
}

export const isLive = (status: JobFilter['status']): status is LiveStatus =>
  status !== undefined && LIVE.includes(status);

/** Whom a filter means that names no status: jobs that are not over, or dead letters that were not tried again. */
export type Default = 'unfinished' | 'dead letters';

/**
 * The query of a list of jobs (API.md 1.2, 4).
 * @throws 400 invalid_request, naming the parameter at fault
 */
export function readListQuery(query: Readonly<Record<string, unknown>>): ListQuery {
  const { after, limit = '20', order = 'desc', ...filter } = query;
  if (!isAfter(after)) throw wrong('after', 'the id of a job');
  if (typeof limit !== 'string' || !/^\d{1,3}$/.test(limit) || Number(limit) < 1 || Number(limit) > 100) {
    throw wrong('limit', 'a whole number from 1 to 100');
  }
  if (order !== 'asc' && order !== 'desc') throw wrong('order', 'asc or desc');
  return { filter: readFilter(filter), after, limit: Number(limit), order };
}

const isAfter = (value: unknown): value is string | undefined =>
  value === undefined || (typeof value === 'string' && isJobId(value));

const PAIR = /^metadata\[(.+)\]$/s;
const MOST_TEXT = 512;

/** Members as text: of a query, or of a filter in a body. @throws 400 invalid_request, naming the member at fault */
export function readFilter(members: Readonly<Record<string, unknown>>): JobFilter {
  const filter: JobFilter = {};
  const metadata: [string, string][] = [];
  for (const [name, value] of Object.entries(members)) {
    const key = PAIR.exec(name)?.[1];
    if (key !== undefined) metadata.push([textOf(name, key), textOf(name, value)]);
    else if (name === 'status') filter.status = statusOf(value);
    else if (name === 'model') filter.model = textOf(name, value);
    else if (name === 'endpoint') filter.endpoint = endpointOf(value);
    else if (name === 'batch_id') filter.batchId = textOf(name, value);
    else if (name === 'error_code') filter.errorCode = textOf(name, value);
    else if (name === 'created_after') filter.createdAfterMs = timeOf(name, value);
    else if (name === 'created_before') filter.createdBeforeMs = timeOf(name, value);
    else throw apiError('invalid_request', `There is no parameter "${name.slice(0, 100)}".`, name.slice(0, 100));
  }
  if (metadata.length > 0) filter.metadata = Object.fromEntries(metadata);
  return filter;
}

function statusOf(value: unknown): JobFilter['status'] {
  if (typeof value === 'string' && [...LIVE, ...TERMINAL].includes(value)) return value as JobFilter['status'];
  throw wrong('status', `one of ${[...LIVE, ...TERMINAL].join(', ')}`);
}

function endpointOf(value: unknown): string {
  const found = ENDPOINTS.find((endpoint) => endpoint === value);
  if (found !== undefined) return found;
  throw wrong('endpoint', `one of ${ENDPOINTS.join(', ')}`);
}

/** PostgreSQL takes no NUL and no half of a pair. */
function textOf(name: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= MOST_TEXT && !value.includes('\0') && value.isWellFormed()) {
    return value;
  }
  throw wrong(name.slice(0, 100), `a single text of at most ${MOST_TEXT} characters`);
}

const LAST_SECOND = 253_402_300_799; // of the year 9999

function timeOf(name: string, value: unknown): number {
  const isTime = typeof value === 'number' || (typeof value === 'string' && /^\d{1,12}(?:\.\d+)?$/.test(value));
  const seconds = isTime ? Number(value) : NaN;
  if (seconds >= 0 && seconds <= LAST_SECOND) return Math.round(seconds * 1_000);
  throw wrong(name, 'a time in Unix seconds');
}

const wrong = (param: string, expected: string): Error =>
  apiError('invalid_request', `${param} must be ${expected}.`, param);
