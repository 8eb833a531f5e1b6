import { inputItems, recordOf, stringOf } from '@sluice/wire';
import { apiError, ApiException } from '../api-error.js';
import type { StoredResponse, StoredResponses } from './stored-responses.js';

/** Each is a look at a record and an answer. */
const MOST_RESPONSES = 100;

/**
 * `input` with the items in place that it names alone (`item_reference`), as clients write it that rely on `store`. An item's
 * id tells the response that it is of.
 * @throws 400 naming the item
 */
export async function lookUpItems(
  input: unknown,
  tenant: string,
  stored: Pick<StoredResponses, 'find' | 'output'>,
): Promise<unknown> {
  if (!Array.isArray(input) || !input.some(isReference)) return input;
  const responses = new Map<string, Promise<ReadonlyMap<string, unknown>>>();
  const itemsOf = (id: string): Promise<ReadonlyMap<string, unknown>> => {
    const known = responses.get(id) ?? allItems(id, tenant, stored);
    responses.set(id, known);
    return known;
  };
  return Promise.all(
    input.map(async (item: unknown, i) => {
      if (!isReference(item)) return item;
      const id = stringOf(recordOf(item)!['id']) ?? '';
      const [, response] = /^[a-z]+_([0-9a-f]{32})_/.exec(id) ?? [];
      const isTooMany = responses.size >= MOST_RESPONSES && !responses.has(`resp_${response}`);
      const found = response === undefined || isTooMany ? undefined : (await itemsOf(`resp_${response}`)).get(id);
      if (found === undefined) throw noSuchItem(`input[${i}].id`);
      return found;
    }),
  );
}

/** The type may be left out: a message would have a role. */
function isReference(item: unknown): boolean {
  const { type, id, role } = recordOf(item) ?? {};
  return (
    type === 'item_reference' || ((type ?? undefined) === undefined && role === undefined && typeof id === 'string')
  );
}

/** Empty: there is no such response. */
async function allItems(
  id: string,
  tenant: string,
  stored: Pick<StoredResponses, 'find' | 'output'>,
): Promise<ReadonlyMap<string, unknown>> {
  try {
    const found = await stored.find(id, tenant);
    const items = [...inputItems(found.asked, found.job.jobId), ...(await outputOf(found, stored))];
    return new Map(items.map((item) => [String(recordOf(item)?.['id']), item]));
  } catch (thrown) {
    if (thrown instanceof ApiException && thrown.error.code === 'not_found') return new Map();
    throw thrown;
  }
}

const outputOf = async (found: StoredResponse, stored: Pick<StoredResponses, 'output'>): Promise<readonly unknown[]> =>
  found.snapshot.state === 'completed' ? stored.output(found) : [];

const noSuchItem = (param: string): ApiException =>
  apiError('invalid_request', `${param} must be the id of an item of a response that is stored here.`, param);
