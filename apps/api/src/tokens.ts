/** Injection tokens for what is not a class. */
export const REPLY_DEPS = Symbol('REPLY_DEPS');
export const DEPLOYMENTS_DEPS = Symbol('DEPLOYMENTS_DEPS');
export const RESPONSES_DEPS = Symbol('RESPONSES_DEPS');
export const JOBS_DEPS = Symbol('JOBS_DEPS');
export const HEALTH_DEPS = Symbol('HEALTH_DEPS');
export const JOB_EVENTS_DEPS = Symbol('JOB_EVENTS_DEPS');
