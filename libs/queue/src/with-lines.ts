import backlogLines from './scripts/backlog-lines.lua';

/** A script that puts jobs into the lines of a backlog, or takes them out: what they share stands before it. */
export function withLines(lua: string): string {
  const flags = /^#!.*\n/.exec(lua)?.[0] ?? ''; // Redis reads them from the first line
  return flags + backlogLines + lua.slice(flags.length);
}
