/**
 * What became of each key of a configuration file: never a silent no-op. Printed once at start and by
 * `sluice config check`. Source: LITELLM.md 1, "Report".
 */
export interface Report {
  readonly applied: readonly ReportRow[];
  /** LiteLLM ignores it too, or it is meaningless here. */
  readonly noEffect: readonly ReportRow[];
  /** `blocking`: start is refused unless `--allow-unsupported`. */
  readonly unsupported: readonly (ReportRow & { readonly blocking: boolean })[];
  readonly errors: readonly ReportRow[];
}

export interface ReportRow {
  readonly file: string;
  /** From 1; 0 when no line stands for it. */
  readonly line: number;
  /** `router_settings.num_retries`, `model_list[2].litellm_params.api_key`. */
  readonly path: string;
  /** Type of the value as written, never the value: it may be a secret. */
  readonly type: string;
  readonly reason: string;
  /** What to do about it; empty when there is nothing. */
  readonly advice: string;
}
