import { apiError } from './api-error.js';

export interface PageQuery {
  after: string | undefined;
  limit: number;
  order: 'asc' | 'desc';
}

export type QueryParams = Readonly<Record<string, string | string[] | undefined>>;

const MOST = 100;

/** `?after=ID&limit=20&order=desc` (API.md 1.2). @throws 400 */
export function readPage(query: QueryParams): PageQuery {
  return { after: textOf(query, 'after'), limit: limitOf(query), order: orderOf(query) };
}

export function textOf(query: QueryParams, name: string): string | undefined {
  const value = query[name];
  if (value === undefined || (typeof value === 'string' && value.length <= 256)) return value || undefined;
  throw apiError('invalid_request', `${name} must be given once, with at most 256 characters.`, name);
}

/** More than 100 is 100, and `has_more` says so: OpenAI's own limit for files is 10,000. */
export function limitOf(query: QueryParams): number {
  const text = textOf(query, 'limit') ?? '20';
  if (/^\d{1,6}$/.test(text) && Number(text) >= 1) return Math.min(Number(text), MOST);
  throw apiError('invalid_request', 'limit must be a whole number from 1 on.', 'limit');
}

function orderOf(query: QueryParams): 'asc' | 'desc' {
  const text = textOf(query, 'order') ?? 'desc';
  if (text === 'asc' || text === 'desc') return text;
  throw apiError('invalid_request', 'order must be asc or desc.', 'order');
}

export interface ListPage<View> {
  object: 'list';
  data: View[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

/** @param rows one more than the limit when there are more */
export function listPage<Row, View extends { id: string }>(
  rows: readonly Row[],
  limit: number,
  view: (row: Row) => View,
): ListPage<View> {
  const data = rows.slice(0, limit).map(view);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: rows.length > limit,
  };
}
