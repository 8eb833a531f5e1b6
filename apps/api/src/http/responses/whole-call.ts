import { recordOf } from '@sluice/wire';
import type { HeldCall } from '../answer-call.js';
import { apiError } from '../api-error.js';
import { translatedCall } from '../translated-call.js';
import { filesInPlace } from './files-in-place.js';
import { lookUpItems } from './look-up-items.js';
import type { ResponsesDeps } from './responses-deps.js';
import { RESPONSES } from './stored-responses.js';

/**
 * A call with all that it only names: what was said before it (`previous_response_id`), items of other responses, and files.
 * Most name nothing, and cost nothing more.
 * @throws 400 invalid_request, 413 when it has grown beyond what a call may be
 */
export async function wholeCall(
  body: unknown,
  tenant: string,
  { stored, files }: Pick<ResponsesDeps, 'stored' | 'files'>,
  maxBodyBytes: number,
): Promise<HeldCall> {
  const { input, previous_response_id: id } = recordOf(body) ?? {};
  const looked = await lookUpItems(input, tenant, stored);
  const items = await filesInPlace(looked, tenant, files, Math.floor((maxBodyBytes * 3) / 4)); // base64 takes a third more
  const hasPrevious = id !== undefined && id !== null;
  if (items === input && !hasPrevious) return translatedCall(RESPONSES, body);
  const previous = hasPrevious ? await stored.previous(id, tenant) : undefined;
  const whole = items === input ? body : { ...recordOf(body), input: items };
  const call = translatedCall(RESPONSES, whole, previous && { previous });
  if (call.source.length <= maxBodyBytes) return call;
  const message = `With what it names the call is larger than ${maxBodyBytes / 1024 / 1024} MiB.`;
  throw apiError('request_too_large', message, hasPrevious ? 'previous_response_id' : 'input');
}
