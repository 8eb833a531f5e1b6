import type { WriteStream } from 'node:tty';

const WIDTH = 30;

interface Shown {
  status: string;
  request_counts: { total: number; completed: number; failed: number };
}

/** How far a batch is, on one line of a terminal; where there is none, a line for each state. */
export class ProgressBar {
  private readonly begunAtMs = performance.now();
  private last = '';

  constructor(
    private readonly out: WriteStream,
    private readonly name: string,
  ) {
    out.write(`${name} submitted\n`);
  }

  show({ status, request_counts: { total, completed, failed } }: Shown): void {
    if (this.out.isTTY !== true) {
      if (status !== this.last) this.out.write(`${this.name} ${status}\n`);
      this.last = status;
      return;
    }
    const done = completed + failed;
    const filled = total === 0 ? 0 : Math.floor((WIDTH * done) / total);
    const perSecond = Math.round((1_000 * done) / (performance.now() - this.begunAtMs));
    const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
    const bad = failed === 0 ? '' : `, ${failed} failed`;
    this.out.write(`\r\u001b[2K${bar} ${done}/${total}${bad} · ${perSecond}/s · ${status}`);
  }

  end(): void {
    if (this.out.isTTY === true) this.out.write('\n');
  }
}
