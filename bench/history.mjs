// How fast lists of many jobs are: `npm run bench:history [-- ROWS]`. A Sluice as `npm start` runs it, with its own
// PostgreSQL, 200,000 jobs of 30 days written into the history by its own statement's form, and each list asked 50 times
// over HTTP, one after the other: a page of 20.
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { startSluice } from './systems/sluice.mjs';

const ROWS = Number(process.argv[2] ?? 200_000);
const TIMES = 50;
const KEY = 'sk-bench';
const CONFIG = `
model_list:
  - {model_name: gpt-4o, litellm_params: {model: openai/gpt-4o, api_key: x, api_base: "http://127.0.0.1:9/v1"}}
general_settings: {master_key: ${KEY}}
`;

const sluice = await startSluice({ config: CONFIG, key: KEY });
try {
  await get('/v1/jobs'); // starts PostgreSQL
  const client = new pg.Client({
    host: realpathSync(join(sluice.dataDir, 'postgres')),
    user: 'sluice',
    database: 'postgres',
  });
  await client.connect();
  const writtenMs = await timed(() => client.query(fillStatement(ROWS)));
  await client.query('analyze sluice.job_history');
  const { rows: size } = await client.query(
    `select pg_size_pretty(sum(pg_total_relation_size(inhrelid))) as all from pg_inherits where inhparent = 'sluice.job_history'::regclass`,
  );
  await client.end();
  process.stdout.write(`${ROWS} rows over 30 days in ${Math.round(writtenMs)} ms, ${size[0].all} with indexes\n\n`);

  const middle = await cursorAt(ROWS / 2);
  process.stdout.write('| list | rows | p50 ms | p99 ms |\n|---|---|---|---|\n');
  for (const [name, query] of Object.entries({
    'first page': '',
    'page in the middle, by its cursor': `after=${middle}`,
    'status=completed': 'status=completed',
    'status=failed (1 in 50)': 'status=failed',
    'error_code, 1 in 1,000': 'error_code=worker_crash_loop',
    'model, 1 in 100': 'model=model-7',
    'batch_id, 1,000 rows': 'batch_id=batch_3',
    'metadata[team], 1 in 20,000': 'metadata[team]=team-11',
    'metadata[team] and status, none': 'metadata[team]=team-11&status=cancelled',
    'created_before, 20 days ago': `created_before=${Math.floor(Date.now() / 1_000) - 20 * 86_400}`,
    'status=failed, model, created_after': `status=failed&model=model-1&created_after=${Math.floor(Date.now() / 1_000) - 10 * 86_400}`,
    'endpoint that nobody used': 'endpoint=/v1/moderations',
    'dead letters: 1 in 100, half of them tried again': 'dead-letters',
  })) {
    const path = query === 'dead-letters' ? '/v1/dead-letters' : `/v1/jobs?${query}`;
    const times = [];
    let found = 0;
    for (let i = 0; i < TIMES; i++) {
      const startedAt = performance.now();
      found = (await get(path)).data.length;
      times.push(performance.now() - startedAt);
    }
    times.sort((a, b) => a - b);
    process.stdout.write(`| ${name} | ${found} | ${times[TIMES >> 1].toFixed(1)} | ${times.at(-1).toFixed(1)} |\n`);
  }
  const startedAt = performance.now();
  let pages = 0;
  let walked = 0;
  for (let after = ''; walked < 20_000; pages++) {
    const page = await get(`/v1/jobs?limit=100${after}`);
    walked += page.data.length;
    after = `&after=${page.last_id}`;
    if (!page.has_more) break;
  }
  process.stdout.write(
    `\n${walked} jobs walked in pages of 100: ${((performance.now() - startedAt) / pages).toFixed(1)} ms a page\n`,
  );
} finally {
  await sluice.stop();
}

async function get(path) {
  const response = await fetch(sluice.origin + path, { headers: sluice.headers });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function timed(work) {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** The id that stands so far from the newest. */
async function cursorAt(place) {
  const client = new pg.Client({
    host: realpathSync(join(sluice.dataDir, 'postgres')),
    user: 'sluice',
    database: 'postgres',
  });
  await client.connect();
  const { rows } = await client.query(
    'select id from sluice.job_history order by created_at desc, id desc offset $1 limit 1',
    [place],
  );
  await client.end();
  return rows[0].id;
}

/** Days before today have partitions here, as they would after 30 days. */
function fillStatement(rows) {
  const atOf = (n) => `(now() - make_interval(secs => (${n}) * (29.5 * 86400 / ${rows})))`;
  const idOf = (n) =>
    `('job_' || lpad(to_hex((extract(epoch from ${atOf(n)}) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(${n}), 19, '0'))`;
  return `
    do $$ begin
      for day in 1..30 loop
        execute format('create table if not exists sluice.job_history_%s partition of sluice.job_history for values from (%L) to (%L)',
          to_char(now() at time zone 'utc' - make_interval(days => day), 'YYYYMMDD'),
          date_trunc('day', now(), 'utc') - make_interval(days => day), date_trunc('day', now(), 'utc') - make_interval(days => day - 1));
      end loop;
    end $$;
    insert into sluice.job_history (id, created_at, tenant, kind, endpoint, model, model_group, status, error_code, batch_id,
      metadata, durable, outcome, started_at, finished_at, attempts, retried_from)
    select ${idOf('n')}, at, 'default',
      case when n % 4 = 0 then 'batch' else 'native' end, '/v1/chat/completions', 'model-' || n % 100, 'gpt-4o',
      case when n % 50 = 1 then 'failed' else 'completed' end,
      case when n % 1000 = 1 then 'worker_crash_loop' when n % 50 = 1 then 'provider_error' end,
      case when n % 4 = 0 then 'batch_' || n / 4000 end,
      jsonb_build_object('team', 'team-' || n % 20000, 'run', n::text),
      json_build_object('kind', 'native', 'tenant', 'default', 'endpoint', '/v1/chat/completions', 'model', 'model-' || n % 100,
        'priority', 'normal', 'metadata', json_build_object('team', 'team-' || n % 20000, 'run', n::text),
        'createdAtMs', (extract(epoch from at) * 1000)::bigint, 'deadlineMs', (extract(epoch from at) * 1000)::bigint + 86400000,
        'retention', json_build_object('resultMs', 86400000)),
      json_build_object('state', case when n % 50 = 1 then 'failed' else 'completed' end, 'upstreamMs', 812,
        'usage', json_build_object('prompt', 120, 'completion', 200, 'estimated', false),
        'served', json_build_object('deployment', 'gpt-4o-a', 'group', 'gpt-4o', 'apiBase', 'https://api', 'retries', 0, 'fallbacks', 0, 'maxRetries', 2)),
      at + interval '1 s', at + interval '2 s', 1, case when n % 100 = 0 then ${idOf('n + 1')} end
    from (select n, ${atOf('n')} as at from generate_series(1, ${rows}) as n) as rows`;
}
