import type { FileRow } from '@sluice/store';

/** OpenAI's file object. */
export const fileView = ({ id, bytes, createdAtMs, expiresAtMs, filename, purpose }: FileRow) => ({
  id,
  object: 'file' as const,
  bytes,
  created_at: Math.floor(createdAtMs / 1_000),
  expires_at: Math.floor(expiresAtMs / 1_000),
  filename,
  purpose,
  status: 'processed' as const,
  status_details: null,
});
