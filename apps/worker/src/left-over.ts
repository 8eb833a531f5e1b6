import type { Outcome } from '@sluice/wire';

const outcome: Outcome = {
  state: 'failed',
  error: { code: 'model_not_found', message: 'The model was removed from the configuration while the call waited.' },
};

/** How the jobs end whose group is in no configuration any more. */
export const LEFT_OVER = JSON.stringify(outcome);
