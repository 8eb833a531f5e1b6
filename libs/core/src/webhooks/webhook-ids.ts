import { createHash } from 'node:crypto';

const uuidOf = (id: string): string => id.slice(id.lastIndexOf('_') + 1);

/** An object ends once, so its last event is named after it: whoever tells of it again tells of the same event. */
export const eventIdOf = (objectId: string): string => `evt_${uuidOf(objectId)}`;

/** One delivery of an event to a receiver, however often it is asked for. */
export const deliveryIdOf = (eventId: string, lane: string): string =>
  `dlv_${uuidFrom(timeOfId(eventId), `${eventId} ${lane}`)}`;

/** An endpoint may be disabled again, so not of the endpoint alone. */
export const disabledEventId = (endpointId: string, atMs: number): string =>
  `evt_${uuidFrom(atMs, `${endpointId} disabled ${atMs}`)}`;

/** A UUIDv7 as 32 hex digits whose random part is a digest: the same for the same. */
function uuidFrom(timeMs: number, text: string): string {
  const digest = createHash('sha256').update(text).digest('hex');
  return `${timeMs.toString(16).padStart(12, '0')}7${digest.slice(0, 3)}8${digest.slice(3, 18)}`;
}

/** @param id of anything that begins with the time, as ours do; Unix ms */
export const timeOfId = (id: string): number => Number.parseInt(uuidOf(id).slice(0, 12), 16);

/** The lane of callbacks to one origin, of one tenant. */
export function originLane(tenant: string, url: string): string {
  const digest = createHash('sha256')
    .update(`${tenant}\n${new URL(url).origin}`)
    .digest('hex');
  return `origin-${digest.slice(0, 32)}`;
}
