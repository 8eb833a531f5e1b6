import type { PoolConfig } from 'pg';

/**
 * `DATABASE_URL` as the client takes it. `sslmode=require` means what it means to psql and to LiteLLM's Prisma: encrypted,
 * whoever the server is; `verify-full` checks it. Parameters of Prisma (`schema`, `connection_limit`) change nothing.
 */
export function connectionOf(url: string): Pick<PoolConfig, 'connectionString'> {
  const [base, query] = url.split(/\?(.*)/s) as [string, string | undefined];
  if (query === undefined) return { connectionString: url };
  const params = new URLSearchParams(query);
  for (const name of ['schema', 'connection_limit', 'pool_timeout', 'pgbouncer', 'sslaccept']) params.delete(name);
  if (params.has('sslmode') && !params.has('uselibpqcompat')) params.set('uselibpqcompat', 'true');
  return { connectionString: `${base}?${params.toString()}` };
}
