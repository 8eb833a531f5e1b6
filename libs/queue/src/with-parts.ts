import backlogLines from './scripts/backlog-lines.lua';
import durableJobs from './scripts/durable-jobs.lua';

/** A script that puts jobs into the lines of a backlog, or takes them out: what they share stands before it. */
export const withLines = (lua: string): string => withParts(lua, backlogLines);

/** One that also takes in or ends durable jobs. */
export const withDurable = (lua: string): string => withParts(lua, backlogLines, durableJobs);

function withParts(lua: string, ...parts: readonly string[]): string {
  const flags = /^#!.*\n/.exec(lua)?.[0] ?? ''; // Redis reads them from the first line
  return flags + parts.join('') + lua.slice(flags.length);
}
