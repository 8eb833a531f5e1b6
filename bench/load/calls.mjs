/** The model group that every system under test serves, from one upstream. */
export const GROUP = 'bench-model';
export const KEY = 'sk-bench-0123456789';

/** What the upstream looks for. */
export function markOf(kind) {
  return `Answer mode: ${kind}.`;
}

const messagesFor = (kind) => [
  { role: 'system', content: 'You are a helpful assistant that answers in one short sentence and never asks back.' },
  {
    role: 'user',
    content:
      'We measure how long a call takes on its way through a gateway. The model behind it answers at once, so whatever ' +
      'time is seen is the time of the gateway and of the machine. Say hello to the benchmark, please, and tell it that a ' +
      'prompt of some hundred bytes is what most calls are made of, and that larger ones cost the network more than us. ' +
      markOf(kind),
  },
];

/**
 * The bodies that are sent; the end of the prompt tells the upstream how to answer, since every gateway passes that on (LiteLLM
 * drops `user` for models that it does not know).
 * json: at once · burst: a stream whose chunks come at once · paced: a stream with a pause before each chunk but the first
 */
export const BODIES = {
  json: bodyOf('json'),
  burst: bodyOf('burst'),
  paced: bodyOf('paced'),
};

function bodyOf(kind) {
  const stream = kind === 'json' ? {} : { stream: true };
  return JSON.stringify({ model: GROUP, messages: messagesFor(kind), temperature: 0.2, ...stream });
}

export const BURST_CHUNKS = 50;
export const PACED_CHUNKS = 10;
export const PACE_MS = 20;
