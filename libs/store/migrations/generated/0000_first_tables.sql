CREATE SCHEMA "sluice";
--> statement-breakpoint
CREATE TABLE "sluice"."batch_lines" (
	"batch_id" text NOT NULL,
	"line" integer NOT NULL,
	"ended" text NOT NULL,
	"content" text NOT NULL,
	CONSTRAINT "batch_lines_batch_id_line_pk" PRIMARY KEY("batch_id","line")
);
--> statement-breakpoint
CREATE TABLE "sluice"."batches" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"dialect" text NOT NULL,
	"endpoint" text NOT NULL,
	"input_file_id" text NOT NULL,
	"completion_window" text NOT NULL,
	"output_kept_ms" bigint NOT NULL,
	"metadata" jsonb NOT NULL,
	"retried_from" text,
	"status" text NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"expires_at_ms" bigint NOT NULL,
	"in_progress_at_ms" bigint,
	"finalizing_at_ms" bigint,
	"cancelling_at_ms" bigint,
	"ended_at_ms" bigint,
	"total" integer DEFAULT 0 NOT NULL,
	"succeeded" integer DEFAULT 0 NOT NULL,
	"errored" integer DEFAULT 0 NOT NULL,
	"cancelled" integer DEFAULT 0 NOT NULL,
	"expired" integer DEFAULT 0 NOT NULL,
	"input_tokens" bigint DEFAULT 0 NOT NULL,
	"output_tokens" bigint DEFAULT 0 NOT NULL,
	"errors" jsonb,
	"output_file_id" text,
	"error_file_id" text,
	"epoch" integer DEFAULT 0 NOT NULL,
	"cursor_line" integer DEFAULT 0 NOT NULL,
	"is_announced" boolean DEFAULT false NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sluice"."files" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"purpose" text NOT NULL,
	"filename" text NOT NULL,
	"bytes" bigint NOT NULL,
	"created_at_ms" bigint NOT NULL,
	"expires_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sluice"."webhook_deliveries" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"endpoint_id" text,
	"job_id" text,
	"status" text NOT NULL,
	"next_at_ms" bigint,
	"plan" text NOT NULL,
	"tries" text NOT NULL,
	"revision" bigint NOT NULL,
	"created_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sluice"."webhook_endpoints" (
	"id" text PRIMARY KEY NOT NULL,
	"tenant" text NOT NULL,
	"url" text NOT NULL,
	"events" jsonb NOT NULL,
	"metadata" jsonb NOT NULL,
	"status" text NOT NULL,
	"disabled_reason" text,
	"secrets" jsonb NOT NULL,
	"version" bigint NOT NULL,
	"created_at_ms" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "batches_tenant_id" ON "sluice"."batches" USING btree ("tenant","dialect","id");--> statement-breakpoint
CREATE INDEX "batches_to_drive" ON "sluice"."batches" USING btree ("id") WHERE not is_announced;--> statement-breakpoint
CREATE INDEX "files_tenant_id" ON "sluice"."files" USING btree ("tenant","id");--> statement-breakpoint
CREATE INDEX "files_expires" ON "sluice"."files" USING btree ("expires_at_ms");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_tenant_id" ON "sluice"."webhook_deliveries" USING btree ("tenant","id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_endpoint_id" ON "sluice"."webhook_deliveries" USING btree ("endpoint_id","id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_job_id" ON "sluice"."webhook_deliveries" USING btree ("job_id");--> statement-breakpoint
CREATE INDEX "webhook_deliveries_created" ON "sluice"."webhook_deliveries" USING btree ("created_at_ms");--> statement-breakpoint
CREATE INDEX "webhook_endpoints_tenant_id" ON "sluice"."webhook_endpoints" USING btree ("tenant","id");