import { apiError, ApiException } from '../api-error.js';
import { checkedBody } from '../lean-validation.pipe.js';
import type { FoundJob, JobFinder } from './job-finder.js';

/** Jobs that something is to be done with. */
export interface ChosenJobs {
  ids: readonly string[];
  /** Others match too. */
  hasMore: boolean;
}

/** `matched`: there are such jobs; `skipped`: of them nothing was to be done with. */
export interface Done {
  matched: number;
  done: number;
  skipped: number;
  has_more: boolean;
}

const MOST_IDS = 1_000;
/** So many are under way at a time. */
const AT_ONCE = 100;

/** The body `{ids}` of what is done with many jobs. @throws 400 invalid_request */
export function readIds(body: unknown): string[] {
  const { ids } = checkedBody(body);
  const areIds = Array.isArray(ids) && ids.length > 0 && ids.length <= MOST_IDS && ids.every((id) => typeof id === 'string'); // prettier-ignore
  if (!areIds)
    throw apiError('invalid_request', `ids must be an array of 1 to ${MOST_IDS} ids of jobs; or say filter.`, 'ids');
  return [...new Set(ids as string[])];
}

/** What is refused of one is no reason to leave the others: it is skipped. */
function refused(thrown: unknown): false {
  if (thrown instanceof ApiException) return false;
  throw thrown;
}

/** Does something with each of a tenant's jobs; ids that are none of them count for nothing. @param act false: not done */
export async function overIds(
  { ids, hasMore }: ChosenJobs,
  tenant: string,
  finder: Pick<JobFinder, 'lookFor'>,
  act: (found: FoundJob) => Promise<boolean>,
): Promise<Done> {
  let [matched, done] = [0, 0];
  const left = [...ids];
  const one = async (): Promise<void> => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      const found = await finder.lookFor(id, tenant);
      if (found === undefined) continue;
      matched++;
      if (await act(found).catch(refused)) done++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  return { matched, done, skipped: matched - done, has_more: hasMore };
}
