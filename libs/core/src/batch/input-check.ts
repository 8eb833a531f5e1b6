import { isLineProblem, readBatchLine, type LineForm, type LineProblem } from './read-batch-line.js';

export interface InputProblem extends LineProblem {
  /** Of the file, from 1; null: the file as a whole. */
  line: number | null;
}

/** As many are told; more would be the same again. */
const MOST_PROBLEMS = 100;

/**
 * Whether a file is a batch, line by line. What it remembers is the ids, exactly: at 50,000 lines some 5 MB of texts as
 * people write them, 50 MB at the very most.
 */
export class InputCheck {
  readonly problems: InputProblem[] = [];
  lines = 0;
  private readonly lineOfId = new Map<string, number>();

  constructor(
    private readonly form: LineForm,
    private readonly mostLines: number,
  ) {}

  /** @param text undefined: longer than a line may be */
  push(number: number, text: string | undefined): void {
    this.lines++;
    if (this.lines > this.mostLines) {
      if (this.lines === this.mostLines + 1)
        this.tell(null, 'too_many_requests', `The file has more than ${this.mostLines} requests.`);
      return;
    }
    if (text === undefined) return this.tell(number, 'line_too_large', 'This line is larger than 10 MiB.');
    const read = readBatchLine(text, this.form);
    if (isLineProblem(read)) return this.tell(number, read.code, read.message, read.param);
    const first = this.lineOfId.get(read.customId);
    if (first === undefined) this.lineOfId.set(read.customId, number);
    else this.tell(number, 'duplicate_custom_id', `custom_id is that of line ${first} already.`, 'custom_id');
  }

  /** There are as many problems as are told: what else is in the file makes no difference. */
  get isHopeless(): boolean {
    return this.problems.length >= MOST_PROBLEMS || this.lines > this.mostLines;
  }

  end(): void {
    if (this.lines === 0) this.tell(null, 'empty_file', 'The file has no requests.');
  }

  private tell(line: number | null, code: string, message: string, param: string | null = null): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push({ code, line, message, param });
  }
}
