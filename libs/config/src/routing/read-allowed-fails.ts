import type { AllowedFailsPolicy } from '@sluice/core';
import type { Section } from '../section.js';

const CLASSES = { TimeoutErrorAllowedFails: 'timeout', InternalServerErrorAllowedFails: 'server' } as const;
/** Classes that LiteLLM counts and Sluice need not. */
const UNCOUNTED: Readonly<Record<string, string>> = {
  RateLimitErrorAllowedFails: 'a 429 rests the deployment until its Retry-After, and never counts as a failure',
  AuthenticationErrorAllowedFails: 'a refused key takes the deployment out for five minutes, at once',
  BadRequestErrorAllowedFails: "the caller's mistakes never count against a deployment",
  ContentPolicyViolationErrorAllowedFails: 'a refused content never counts against a deployment',
};

/** `allowed_fails_policy` of the router or of a deployment's `model_info`. */
export function readAllowedFailsPolicy(section: Section | undefined): AllowedFailsPolicy | undefined {
  const written = section?.section('allowed_fails_policy');
  if (written === undefined) return undefined;
  const policy: { timeout?: number; server?: number } = {};
  for (const [key, node] of written.map.entries) {
    if (key in CLASSES) {
      const allowed = written.wholeNumber(key);
      if (allowed !== undefined) policy[CLASSES[key as keyof typeof CLASSES]] = allowed;
    } else {
      const known = [...Object.keys(CLASSES), ...Object.keys(UNCOUNTED)].join(', ');
      written.book.noEffect(node.place, UNCOUNTED[key] ?? `unknown class: the classes are ${known}`);
    }
  }
  return policy;
}
