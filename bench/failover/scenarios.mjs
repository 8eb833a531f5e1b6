/** Median 1.2 s and 3 s at the 95th percentile: a lognormal, as calls to models take. */
const LATENCY = { p50: 1_200, p95: 3_000 };
const LIMIT_WINDOW_MS = 10_000;

/** What the simulator plays: three deployments of one group, each a profile of its own. */
const profiles = (limitPerWindow) => ({
  limited: { limits: { rpm: limitPerWindow, windowMs: LIMIT_WINDOW_MS, retryAfter: 's' } },
  flaky: {
    rules: [
      { probability: 0.05, do: { kind: 'server' } },
      { probability: 0.02, do: { resetBeforeHeaders: true } },
    ],
  },
  healthy: {},
});

export const SCRIPT = { seed: 3, log: 'full', latency: LATENCY, answer: { tokens: 40 } };
export const DEPLOYMENTS = ['limited', 'flaky', 'healthy'];

/** What must be seen. `overMs`: P95 of the time over what the model itself took. */
const ALL = { successShare: 1, lateCalls: 0, overMs: 20 };

/** Shares of the run's length: of 60 s, from second 20 to 40. */
const OUTAGE = { fromShare: 1 / 3, toShare: 2 / 3 };

export const SCENARIOS = [
  { name: 'limited to 60 per 10 s', profiles: profiles(60), target: ALL },
  { name: 'limited to 20 per 10 s', profiles: profiles(20), target: ALL },
  {
    name: 'limited to 20 per 10 s, the other two down for a third of the time',
    profiles: profiles(20),
    outage: OUTAGE,
    target: { successShare: 1 },
  },
  {
    name: 'the same outage, as streams',
    profiles: profiles(20),
    outage: OUTAGE,
    isStream: true,
    target: { successShare: 1 },
  },
];
