import {
  ARRIVAL_MS,
  deploymentState,
  inFlightOf,
  saidOf,
  useOf,
  WINDOW_S,
  type DeploymentState,
  type LeaseState,
} from './deployment-state.js';
import {
  LEASE_MS,
  type LeaseAsk,
  type LeaseCandidate,
  type LeaseRefused,
  type LeaseTaken,
  type RefusalVerdict,
} from './lease.js';
import { usedShares } from './used-shares.js';

/**
 * Which of the candidates gets the call: the first tier that has a free one, in it the first, the least busy or the
 * least used. The twin of
 * `libs/state/src/redis/scripts/take-lease.lua`, where it happens; a test replays histories over both.
 */
export function takeLease(state: LeaseState, ask: LeaseAsk, nowMs: number): LeaseTaken | LeaseRefused {
  const judged = ask.candidates.map((candidate) => judge(state, ask, candidate, nowMs));
  const free = judged.filter(({ verdict }) => verdict === undefined);
  const tier = Math.min(...free.map(({ candidate }) => candidate.order));
  const inTier = free.filter(({ candidate }) => candidate.order === tier);
  const chosen = pick(inTier, judged, ask, nowMs);
  if (chosen) return take(chosen, ask, nowMs);

  const isAllShut = judged.every(({ deployment, verdict }) => deployment.openUntilMs > 0 || verdict === 'cooling');
  const probesEarly = isAllShut && ask.probeEveryWhenAllOpenMs > 0;
  if (probesEarly) {
    for (const one of judged.toSorted((a, b) => a.candidate.order - b.candidate.order)) {
      if (one.verdict !== 'breaker_open' || one.deployment.isOut || probeAgainAt(one.deployment, ask) > nowMs) continue;
      one.verdict = fullness(one.deployment, one.candidate, ask.tokens, nowMs);
      if (one.verdict === undefined) return take(one, ask, nowMs);
    }
  }
  const refusals = judged.map(({ candidate, deployment, verdict }) => ({
    deploymentId: candidate.id,
    verdict: verdict!,
    untilMs: returnOf(deployment, candidate, verdict!, ask, probesEarly, nowMs),
  }));
  return { taken: false, refusals, nowMs };
}

interface Judged {
  candidate: LeaseCandidate;
  deployment: DeploymentState;
  /** Absent: free. */
  verdict: RefusalVerdict | undefined;
}

function judge(state: LeaseState, ask: LeaseAsk, candidate: LeaseCandidate, nowMs: number): Judged {
  const deployment = deploymentState(state, candidate.id);
  const { coolUntilMs, openUntilMs, probe, slots } = deployment;
  const isProbed = openUntilMs > 0 && probe !== undefined && (slots.get(probe) ?? 0) > nowMs;
  const verdict =
    coolUntilMs > nowMs
      ? 'cooling'
      : isProbed
        ? 'probing'
        : openUntilMs > nowMs
          ? 'breaker_open'
          : fullness(deployment, candidate, ask.tokens, nowMs);
  return { candidate, deployment, verdict };
}

function fullness(deployment: DeploymentState, limits: LeaseCandidate, tokens: number, nowMs: number) {
  if (limits.maxParallel > 0 && inFlightOf(deployment, nowMs) >= limits.maxParallel) return 'parallel';
  const said = saidOf(deployment, nowMs);
  if (said?.requests && said.requests.left < 1) return 'rpm';
  if (said?.tokens && said.tokens.left < tokens) return 'tpm';
  const used = useOf(deployment, nowMs);
  if (limits.rpm > 0 && used.requests >= limits.rpm) return 'rpm';
  return tokensFit(used.tokens, tokens, limits.tpm) ? undefined : 'tpm';
}

/** An estimate above the whole limit goes through an empty minute: else it would wait for ever. */
function tokensFit(used: number, tokens: number, tpm: number): boolean {
  return tpm === 0 || used + tokens <= tpm || used <= 0;
}

/** Ties go to the first. */
function pick(free: Judged[], all: Judged[], { strategy }: LeaseAsk, nowMs: number): Judged | undefined {
  if (strategy === 'in-order') return free[0];
  const inFlight = ({ deployment }: Judged): number => inFlightOf(deployment, nowMs);
  if (strategy === 'least-busy') return free.toSorted((a, b) => inFlight(a) - inFlight(b))[0];
  const shares = usedShares(
    all.map(({ candidate }) => candidate),
    all.map(({ deployment }) => useOf(deployment, nowMs)),
  );
  return free.toSorted((a, b) => shares[all.indexOf(a)]! - shares[all.indexOf(b)]!)[0];
}

function take({ deployment, candidate }: Judged, ask: LeaseAsk, nowMs: number): LeaseTaken {
  const { leaseId, tokens } = ask;
  const isProbe = deployment.openUntilMs > 0;
  if (isProbe) Object.assign(deployment, { probe: leaseId, probedAtMs: nowMs });
  deployment.slots.set(leaseId, nowMs + LEASE_MS);
  const said = saidOf(deployment, nowMs);
  deployment.said = said && {
    ...said,
    ...(said.requests && { requests: { ...said.requests, left: said.requests.left - 1 } }),
    ...(said.tokens && { tokens: { ...said.tokens, left: said.tokens.left - tokens } }),
  };

  const isCounted = candidate.rpm > 0 || candidate.tpm > 0 || ask.strategy === 'least-used';
  if (isCounted) {
    const second = Math.floor(nowMs / 1_000);
    const used = deployment.use.get(second) ?? { requests: 0, tokens: 0 };
    deployment.use.set(second, { requests: used.requests + 1, tokens: used.tokens + tokens });
  }
  const held = { group: ask.group, deploymentId: candidate.id, leaseId };
  const inFlight = inFlightOf(deployment, nowMs);
  const lease = { ...held, isProbe, takenAtMs: nowMs, tokens, isCounted, inFlight, isRationed: said !== undefined };
  return { taken: true, lease, nowMs };
}

/** The earliest time at which it could be free; 0: when another call ends. */
function returnOf(
  deployment: DeploymentState,
  candidate: LeaseCandidate,
  verdict: RefusalVerdict,
  ask: LeaseAsk,
  probesEarly: boolean,
  nowMs: number,
): number {
  switch (verdict) {
    case 'cooling':
    case 'breaker_open': {
      const { openUntilMs, coolUntilMs } = deployment;
      const isEarly = probesEarly && !deployment.isOut;
      return Math.max(coolUntilMs, isEarly ? Math.min(openUntilMs, probeAgainAt(deployment, ask)) : openUntilMs);
    }
    case 'probing':
    case 'parallel':
      return 0;
    case 'rpm':
    case 'tpm': {
      const said = saidOf(deployment, nowMs);
      const rationed =
        verdict === 'rpm' && said?.requests && said.requests.left < 1
          ? said.requests
          : verdict === 'tpm' && said?.tokens && said.tokens.left < ask.tokens
            ? said.tokens
            : undefined;
      // What is under way may give tokens back, or was counted already by the provider when it gave its word.
      const mayGiveBack = (verdict === 'tpm' || rationed !== undefined) && inFlightOf(deployment, nowMs) > 0;
      if (mayGiveBack) return 0;
      if (rationed !== undefined) return rationed.untilMs;
      const second = Math.floor(nowMs / 1_000);
      for (let s = second; s < second + WINDOW_S; s++) {
        const atMs = s * 1_000 + ARRIVAL_MS;
        const { requests, tokens } = useOf(deployment, atMs);
        if (atMs <= nowMs) continue;
        if ((candidate.rpm === 0 || requests < candidate.rpm) && tokensFit(tokens, ask.tokens, candidate.tpm)) {
          return atMs;
        }
      }
      return (second + WINDOW_S) * 1_000 + ARRIVAL_MS;
    }
  }
}

function probeAgainAt({ openedAtMs, probedAtMs }: DeploymentState, ask: LeaseAsk): number {
  return Math.max(openedAtMs, probedAtMs) + ask.probeEveryWhenAllOpenMs;
}
