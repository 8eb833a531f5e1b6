/** What a worker does beside running jobs. Each can have processes of its own (`--roles`). */
export interface RunningRole {
  start(): Promise<void>;
  /** Lets go of what is in hand, for others. Safe to repeat. */
  stop(): Promise<void>;
}
