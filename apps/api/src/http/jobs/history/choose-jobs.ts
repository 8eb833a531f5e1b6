import { apiError } from '../../api-error.js';
import { checkedBody } from '../../lean-validation.pipe.js';
import { readIds, type ChosenJobs } from '../over-ids.js';
import type { JobList } from './job-list.js';
import { readFilter, type Default, type JobFilter } from './list-query.js';

const MOST = 10_000;

/**
 * The body `{ids}`, or `{filter, limit}`: the newest that match.
 * @throws 400 invalid_request, naming the member at fault; StoreUnavailable for a filter
 */
export async function chooseJobs(
  body: unknown,
  tenant: string,
  list: Pick<JobList, 'ids'>,
  byDefault: Default,
): Promise<ChosenJobs> {
  const { filter, limit, ids, ...others } = checkedBody(body);
  const [stranger] = Object.keys(others);
  if (stranger !== undefined) throw wrong(stranger.slice(0, 100), 'left out: there are ids, or filter and limit');
  if (filter === undefined && limit === undefined) return { ids: readIds(body), hasMore: false };
  if (ids !== undefined) throw wrong('ids', 'left out where there is a filter');
  return list.ids(filterOf(filter), limitOf(limit), tenant, byDefault);
}

function filterOf(value: unknown): JobFilter {
  if (!isObject(value)) throw wrong('filter', 'an object: the parameters of the list of jobs');
  const { metadata, ...members } = value;
  if (metadata === undefined) return readFilter(members);
  if (!isObject(metadata)) throw wrong('filter.metadata', 'an object of texts');
  const pairs = Object.entries(metadata).map(([key, text]) => [`metadata[${key}]`, text] as const);
  return readFilter({ ...members, ...Object.fromEntries(pairs) });
}

function limitOf(value: unknown): number {
  if (value === undefined) return MOST;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MOST) return value;
  throw wrong('limit', `a whole number from 1 to ${MOST}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (param: string, expected: string): Error =>
  apiError('invalid_request', `${param} must be ${expected}.`, param);
