-- The long list of durable jobs: a row each, without bodies, partitioned by day of acceptance. Partitions are made ahead
-- and dropped by the worker (libs/store/src/history/partitions.ts); what finds none lands in the default one.
-- id is compared bytewise whatever the database's language: cursors are (created_at, id).
create schema if not exists sluice;
--> statement-breakpoint
create table sluice.job_history (
  id text collate "C" not null,
  created_at timestamptz not null,
  tenant text not null,
  kind text not null,
  endpoint text not null,
  model text not null,
  model_group text not null,
  -- null until it is over; 'erased': its caller deleted it, and nothing but this is left of it until the partition goes
  status text,
  error_code text,
  batch_id text,
  metadata jsonb not null,
  -- what the job was accepted with, without secrets
  durable json not null,
  outcome json,
  started_at timestamptz,
  finished_at timestamptz,
  attempts integer not null default 0,
  -- the job that this one is another try of
  retried_from text collate "C",
  -- a dead letter that its owner put away
  dismissed boolean not null default false,
  primary key (id, created_at)
) partition by range (created_at);
--> statement-breakpoint
create table sluice.job_history_default partition of sluice.job_history default;
--> statement-breakpoint
create index on sluice.job_history (tenant, created_at desc, id desc);
--> statement-breakpoint
create index on sluice.job_history (tenant, status, created_at desc, id desc);
--> statement-breakpoint
create index on sluice.job_history (tenant, model, created_at desc, id desc);
--> statement-breakpoint
create index on sluice.job_history (batch_id, created_at desc, id desc) where batch_id is not null;
--> statement-breakpoint
create index on sluice.job_history (tenant, error_code, created_at desc, id desc) where error_code is not null;
--> statement-breakpoint
create index on sluice.job_history (retried_from) where retried_from is not null;
--> statement-breakpoint
create index on sluice.job_history using gin (metadata jsonb_path_ops) where metadata <> '{}';
