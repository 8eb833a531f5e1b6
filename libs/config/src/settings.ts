import type { Failpoints, ModelTable, RoutingPolicy } from '@sluice/core';
import type { WebhookSettings } from './read-webhooks.js';
import type { Report } from './report.js';

export const WORKER_ROLES = ['inference', 'webhooks', 'batches', 'ledger'] as const;
export type WorkerRole = (typeof WORKER_ROLES)[number];

/** `sluice.files.s3`. The credentials come from the environment, as for every program that uses the AWS SDK. */
export interface S3Place {
  readonly bucket: string;
  /** Absent: AWS itself. */
  readonly endpoint: string | undefined;
  /** Default us-east-1. */
  readonly region: string;
  /** Before every key; default none. */
  readonly prefix: string;
  /** `https://endpoint/bucket/key` instead of `https://bucket.endpoint/key`: what most stores beside AWS want. Default false. */
  readonly forcePathStyle: boolean;
}

/**
 * Everything that a process was told: environment, command line and `config.yaml`, checked and frozen. A reload makes
 * another one. `libs/config` is the only reader of files and environment; all others are handed what they need.
 */
export interface Settings {
  /** Port of the HTTP API; 0 picks a free one. Default 4000. */
  readonly port: number;
  /** Address the API listens on. Default 0.0.0.0. */
  readonly host: string;
  /** `redis://…`, `rediss://…`, or the path of a Unix socket. Absent: `sluice start` runs its own Redis. */
  readonly redisUrl: string | undefined;
  /** `postgres://…`. Absent: `sluice start` runs its own PostgreSQL when it first needs one; other roles do without. */
  readonly databaseUrl: string | undefined;
  /** Where the embedded Redis and PostgreSQL keep their files, and where uploaded files are without S3. Default `./data`. */
  readonly dataDir: string;
  /** Where uploaded files are; absent: in the data folder. */
  readonly filesInS3: S3Place | undefined;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Path of the configuration that was read; absent: the demonstration. */
  readonly configFile: string | undefined;
  /** Absent: no key is needed. */
  readonly masterKey: string | undefined;
  /** `master_key` named a variable that is unset: the key was made by us and stands in `<dataDir>/master-key`. To be shown at start. */
  readonly masterKeyIsGenerated: boolean;
  /** Jobs of each group that one worker runs at a time. Default 200. */
  readonly workerConcurrency: number;
  /** What this worker does (`--roles`). Default all; `sluice start` does all. */
  readonly workerRoles: readonly WorkerRole[];
  /** Groups that this worker serves (`--groups a,b`); absent: all. */
  readonly workerGroups: readonly string[] | undefined;
  /** How long running jobs may finish after SIGTERM before they are handed back. Default 20,000. */
  readonly drainMs: number;
  /** Largest JSON body. Default 32 MiB. */
  readonly maxBodyBytes: number;
  /** What tests make fail (`SLUICE_FAILPOINTS`); absent everywhere else. */
  readonly failpoints: Failpoints | undefined;
  readonly models: ModelTable;
  readonly policy: RoutingPolicy;
  readonly webhooks: WebhookSettings;
  /** What secrets of webhooks are sealed with in Redis and PostgreSQL. Absent: they stand there as they are. */
  readonly bodyKey: string | undefined;
  /**
   * What is on disk when a call is confirmed or answered: all but the last second, or (`strict`) all. Redis must sync each write
   * before it answers, or tell when it has (`WAITAOF`), or the start is refused. Default `everysec`.
   */
  readonly durability: 'everysec' | 'strict';
  /** `sluice.strict`: patterns match the whole name (for `resolveModel`). */
  readonly strictNames: boolean;
  /** Absolute paths of the configuration and all that it includes. */
  readonly configPaths: readonly string[];
  /** SHA-256 of the configuration's text, 16 hex; the same where the same is in force. */
  readonly hash: string;
  /** Unix ms. */
  readonly loadedAtMs: number;
  /** What became of each key of the configuration. */
  readonly report: Report;
}
