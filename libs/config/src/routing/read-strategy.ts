import type { LatencyStrategy, Strategy } from '@sluice/core';
import type { Section } from '../section.js';

const STRATEGIES = [
  'simple-shuffle',
  'least-busy',
  'latency-based-routing',
  'cost-based-routing',
  'usage-based-routing',
  'usage-based-routing-v2',
] as const satisfies Strategy['name'][];
/** LiteLLM's, which choose a model by what the prompt says. */
const OTHERS = ['adaptive', 'auto', 'complexity', 'lar1'] as const;
const ARGUMENTS = ['ttl', 'lowest_latency_buffer', 'max_latency_list_size'];

/** `routing_strategy` and `routing_strategy_args`, of the router or of one of its `routing_groups`. Default simple-shuffle. */
export function readStrategy(section: Section | undefined): Strategy {
  const name = readName(section);
  const args = section?.section('routing_strategy_args');
  if (name === 'latency-based-routing') return { name, ...readLatencyArgs(args) };
  if (args !== undefined) args.book.noEffect(args.place, `${name} takes no arguments`);
  return { name };
}

function readName(section: Section | undefined): Strategy['name'] {
  const name = section?.word('routing_strategy', [...STRATEGIES, ...OTHERS]);
  const built = STRATEGIES.find((known) => known === name);
  if (name === undefined || built !== undefined) return built ?? 'simple-shuffle';
  section!.book.blocking(
    section!.map.entries.get('routing_strategy')!.place,
    `${name} chooses a model by what the prompt says, which Sluice does not: simple-shuffle would route instead`,
    `use ${STRATEGIES.join(', ')}, or start with --allow-unsupported`,
  );
  return 'simple-shuffle';
}

function readLatencyArgs(args: Section | undefined): Omit<LatencyStrategy, 'name'> {
  for (const [key, node] of args?.map.entries ?? []) {
    if (!ARGUMENTS.includes(key)) args!.book.noEffect(node.place, `unknown key: known are ${ARGUMENTS.join(', ')}`);
  }
  return {
    ttlMs: args?.seconds('ttl', { zero: 'refused' }) ?? 3_600_000,
    buffer: args?.number('lowest_latency_buffer') ?? 0,
    samples: Math.min(args?.wholeNumber('max_latency_list_size', 1) ?? 10, 1_000),
  };
}
