import type { Settings } from '@sluice/config';

/** What a worker does beside running jobs. Each can have processes of its own (`--roles`). */
export interface RunningRole {
  start(): Promise<void>;
  /** Other settings are in force. */
  reconfigure?(settings: Settings): void;
  /** Lets go of what is in hand, for others. Safe to repeat. */
  stop(): Promise<void>;
}
