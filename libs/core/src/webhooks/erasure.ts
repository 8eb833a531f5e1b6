import type { DeliveryPlan } from './delivery.js';

/** The same entry of the ledger may be handled twice so far apart: a delivery may come in again, or late. */
const LOOKED_AFTER_MS = 10 * 60_000;
const LOOK_EVERY_MS = 60_000;
const LOOK_SOON_MS = 1_000;
/** A receiver gets one try at hearing of a job that is erased; in a lane that stands still it gets none. */
const ONE_TRY_WITHIN_MS = 60_000;

/** What is kept of a delivery whose job is erased: that it was made, to which host, and when. */
export function erasedPlan(plan: DeliveryPlan): DeliveryPlan {
  const { secret: _, ...kept } = plan;
  return { ...kept, url: new URL(plan.url).origin, body: '' };
}

export const isErasedPlan = ({ body }: DeliveryPlan): boolean => body === '';

/** When the deliveries of an erased job are looked at again, Unix ms; undefined: not any more. @param isAnyOpen one waits or flies */
export function nextLookAtErased(erasedAtMs: number, nowMs: number, isAnyOpen: boolean): number | undefined {
  if (isAnyOpen) return nowMs + LOOK_SOON_MS;
  return nowMs - erasedAtMs < LOOKED_AFTER_MS ? nowMs + LOOK_EVERY_MS : undefined;
}

/** Whether a delivery of an erased job that waits is ended although nobody has been asked to take it. */
export const endsUntried = (erasedAtMs: number, nowMs: number): boolean => nowMs - erasedAtMs > ONE_TRY_WITHIN_MS;
