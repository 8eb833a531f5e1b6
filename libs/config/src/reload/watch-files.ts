import { stat } from 'node:fs/promises';

const LOOK_EVERY_MS = 500;
/** A file that is being written is left alone until it has not changed for so long. */
const SETTLED_MS = 300;

/**
 * Says when files have changed and are at rest again. Looks at them (a `stat` that follows links) instead of being told by
 * the kernel: so it sees editors that rename, links that are swapped (Kubernetes' ConfigMaps), and changes behind bind
 * mounts and on network drives, of which inotify does not tell.
 *
 * The first look is news too: the files may have changed since they were read. So are other paths than before.
 */
export class FileWatch {
  private timer: NodeJS.Timeout | undefined;
  private seen = '';
  private isStopped = false;

  /** @param paths as they are now: a reload may have brought other includes */
  constructor(
    private readonly paths: () => readonly string[],
    private readonly onChange: () => void,
  ) {}

  start(): void {
    this.next(LOOK_EVERY_MS, () => this.compare());
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private async compare(): Promise<void> {
    const now = await this.look();
    if (now === this.seen) this.next(LOOK_EVERY_MS, () => this.compare());
    else this.next(SETTLED_MS, () => this.settle(now));
  }

  private async settle(changed: string): Promise<void> {
    const now = await this.look();
    if (now !== changed) return this.next(SETTLED_MS, () => this.settle(now));
    if (this.isStopped) return;
    this.seen = now; // before they are read: what changes from here on is seen by the next look
    this.onChange();
    this.next(LOOK_EVERY_MS, () => this.compare());
  }

  private next(ms: number, step: () => Promise<void>): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => void step(), ms).unref();
  }

  /** What tells two states of the files apart. That one is missing is a state as well. */
  private async look(): Promise<string> {
    const states = this.paths().map((path) =>
      stat(path, { bigint: true }).then(
        ({ ino, size, mtimeNs, ctimeNs }) => `${path} ${ino} ${size} ${mtimeNs} ${ctimeNs}`,
        () => `${path} is missing`,
      ),
    );
    return (await Promise.all(states)).join('\n');
  }
}
