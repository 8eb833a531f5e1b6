import type { Report, ReportRow } from './report.js';
import { childrenOf, typeOf, type Place, type YamlNode } from './yaml/node.js';

type Verdict = 'applied' | 'noEffect' | 'harmless' | 'blocking' | 'error';
interface Entry {
  readonly verdict: Verdict;
  readonly reason: string;
  readonly advice: string;
}

const RANK: Readonly<Record<Verdict, number>> = { applied: 0, noEffect: 1, harmless: 2, blocking: 3, error: 4 };
export const NOT_YET = 'not in this version yet';
/** What can be done about every blocking row; the terminal says it once. */
export const GO_WITHOUT = 'remove it, or start with --allow-unsupported';

/**
 * Collects what becomes of each key. Whoever knows more may say it later: the graver verdict of a place stands, so the
 * order of reading does not matter, and each key ends in exactly one list.
 */
export class ReportBook {
  private readonly entries = new Map<Place, Entry>();
  private readonly errors: ReportRow[] = [];
  private readonly unset = new Map<Place, string>();

  applied(place: Place, reason = ''): void {
    this.put(place, 'applied', reason, '');
  }

  noEffect(place: Place, reason: string, advice = ''): void {
    this.put(place, 'noEffect', reason, advice);
  }

  /** Ignoring it changes neither who may call nor what is served or spent. */
  harmless(place: Place, reason = NOT_YET, advice = ''): void {
    this.put(place, 'harmless', reason, advice);
  }

  /** Ignoring it would let more through, or serve a call otherwise than written. */
  blocking(place: Place, reason = NOT_YET, advice = GO_WITHOUT): void {
    this.put(place, 'blocking', reason, advice);
  }

  error(place: Place, type: string, reason: string, advice = ''): void {
    this.put(place, 'error', reason, advice);
    const { file, line, path } = place;
    // A shared credential or an organization list is read more than once.
    if (this.errors.some((row) => row.file === file && row.line === line && row.path === path && row.reason === reason))
      return;
    this.errors.push({ file, line, path, type, reason, advice });
  }

  unsetVariable(place: Place, variable: string): void {
    this.unset.set(place, variable);
  }

  get hasErrors(): boolean {
    return this.errors.length > 0;
  }

  /**
   * The three lists and the errors, in the order of the files. A key that nobody spoke of shares the verdict of what it
   * stands in: the members of `extra_body` are applied when `extra_body` is.
   */
  close(roots: readonly YamlNode[]): Report {
    const report = {
      applied: [] as ReportRow[],
      noEffect: [] as ReportRow[],
      unsupported: [] as (ReportRow & { blocking: boolean })[],
      errors: this.errors.toSorted((a, b) => (a.file === b.file ? a.line - b.line : 0)),
    };
    const visit = (node: YamlNode, inherited: Entry, isKey: boolean): void => {
      const entry = this.entries.get(node.place) ?? {
        ...inherited,
        verdict: inherited.verdict === 'error' ? 'noEffect' : inherited.verdict,
      };
      if (isKey) this.file(report, node, entry);
      for (const child of childrenOf(node)) visit(child, entry, node.kind === 'map');
    };
    const unspoken: Entry = { verdict: 'noEffect', reason: 'not known', advice: '' };
    for (const root of roots) visit(root, unspoken, false);
    return report;
  }

  private file(
    report: { applied: ReportRow[]; noEffect: ReportRow[]; unsupported: (ReportRow & { blocking: boolean })[] },
    node: YamlNode,
    { verdict, reason, advice }: Entry,
  ): void {
    const variable = this.unset.get(node.place);
    const told =
      variable === undefined || reason.includes(variable) ? '' : `environment variable ${variable} is not set`;
    const { file, line, path } = node.place;
    const row = { file, line, path, type: typeOf(node), reason: [reason, told].filter(Boolean).join('; '), advice };
    // What is taken from an unset variable is never just applied.
    if (verdict === 'applied' && variable === undefined) report.applied.push(row);
    else if (verdict === 'applied' || verdict === 'noEffect') report.noEffect.push(row);
    else if (verdict !== 'error') report.unsupported.push({ ...row, blocking: verdict === 'blocking' });
  }

  private put(place: Place, verdict: Verdict, reason: string, advice: string): void {
    const known = this.entries.get(place);
    const isGraver = known === undefined || RANK[verdict] > RANK[known.verdict];
    if (isGraver || (known.verdict === verdict && known.reason === ''))
      this.entries.set(place, { verdict, reason, advice });
  }
}
