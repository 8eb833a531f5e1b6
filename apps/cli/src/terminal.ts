import { isatty } from 'node:tty';

const opened = [0, 1, 2].filter((fd) => isatty(fd));

/** The terminal in which the process was started has been closed. Without a terminal: never. */
export const isTerminalGone = (): boolean => opened.some((fd) => !isatty(fd));

/** Ends the process. Node's own exit restores the terminal first, and where that is gone it hangs for ever. */
export function leave(status: number): never {
  if (isTerminalGone()) process.kill(process.pid, 'SIGKILL');
  process.exit(status);
}
