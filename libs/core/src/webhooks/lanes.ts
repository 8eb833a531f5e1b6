/**
 * What is delivered in turn and never side by side with more than its share: one receiver. So a slow one holds its own slots
 * and nobody else's.
 */
export interface Lane {
  /** Delivery -> when it is due, ms. */
  readonly waiting: Map<string, number>;
  /** Delivery -> when whoever tries it is taken for lost, ms. */
  readonly flying: Map<string, number>;
  /** The receiver is overloaded: one at a time until it takes something, and none before this time. */
  calmUntilMs?: number;
}

export interface Lanes {
  readonly lanes: Map<string, Lane>;
  /** Lane -> when there may be something to do in it. */
  readonly lookAt: Map<string, number>;
}

export interface TakeLimits {
  readonly most: number;
  readonly mostLanes: number;
  readonly mostFlying: number;
  readonly leaseMs: number;
}

/** How take-deliveries.lua decides; its twin. @returns ids, in the order in which they are taken */
export function takeDue(state: Lanes, { most, mostLanes, mostFlying, leaseMs }: TakeLimits, nowMs: number): string[] {
  const taken: string[] = [];
  for (const [name] of sorted(state.lookAt, nowMs).slice(0, mostLanes)) {
    if (taken.length >= most) break;
    const lane = state.lanes.get(name)!;
    for (const [lost] of sorted(lane.flying, nowMs)) {
      lane.flying.delete(lost);
      lane.waiting.set(lost, nowMs);
    }
    const slots = lane.calmUntilMs === undefined ? mostFlying : 1;
    const free = (lane.calmUntilMs ?? 0) <= nowMs ? Math.min(slots - lane.flying.size, most - taken.length) : 0;
    for (const [id] of sorted(lane.waiting, nowMs).slice(0, Math.max(0, free))) {
      lane.waiting.delete(id);
      lane.flying.set(id, nowMs + leaseMs);
      taken.push(id);
    }
    const next = nextLook(lane, slots, nowMs);
    if (next === undefined) state.lookAt.delete(name);
    else state.lookAt.set(name, next);
  }
  return taken;
}

function nextLook({ waiting, flying, calmUntilMs = 0 }: Lane, slots: number, nowMs: number): number | undefined {
  const looks: number[] = [];
  if (waiting.size > 0 && flying.size < slots) {
    looks.push(Math.max(Math.min(...waiting.values()), calmUntilMs, nowMs));
  }
  if (flying.size > 0) looks.push(Math.min(...flying.values()));
  return looks.length === 0 ? undefined : Math.min(...looks);
}

/** What came of a try. `back`: nothing, the worker stops. */
export type Landing =
  { readonly kind: 'delivered' | 'failed' | 'back' } | { readonly kind: 'again'; readonly atMs: number };

/** How settle-delivery.lua moves a delivery that its taker still holds. @param calmUntilMs what the receiver asked for */
export function settleDelivery(
  state: Lanes,
  name: string,
  id: string,
  landing: Landing,
  calmUntilMs: number | undefined,
  nowMs: number,
): void {
  const lane = state.lanes.get(name)!;
  lane.flying.delete(id);
  lane.waiting.delete(id);
  if (landing.kind === 'delivered') delete lane.calmUntilMs;
  else if (calmUntilMs !== undefined) lane.calmUntilMs = Math.max(calmUntilMs, lane.calmUntilMs ?? 0);
  if (landing.kind === 'back') lane.waiting.set(id, nowMs);
  if (landing.kind === 'again') lane.waiting.set(id, landing.atMs);
  if (lane.waiting.size + lane.flying.size > 0) lookBy(state, name, nowMs);
  else state.lookAt.delete(name);
}

/** How add-delivery.lua puts a new one in line. */
export function addDelivery(state: Lanes, name: string, id: string, nowMs: number): void {
  const lane = state.lanes.get(name) ?? { waiting: new Map(), flying: new Map() };
  state.lanes.set(name, lane);
  lane.waiting.set(id, nowMs);
  lookBy(state, name, nowMs);
}

function lookBy({ lookAt }: Lanes, name: string, atMs: number): void {
  lookAt.set(name, Math.min(lookAt.get(name) ?? Infinity, atMs));
}

/** Members of a sorted set up to a score, as Redis orders them. */
const sorted = (set: ReadonlyMap<string, number>, upTo: number): [string, number][] =>
  [...set].filter(([, at]) => at <= upTo).sort(([a, atA], [b, atB]) => atA - atB || (a < b ? -1 : a > b ? 1 : 0));
