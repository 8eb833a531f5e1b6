import { Command, InvalidArgumentError } from 'commander';
import { withCall } from '../call-options.js';
import type { ExplainOptions } from '../explain.js';
import type { BatchRunOptions } from './batch.js';
import type { RetryOptions, Said } from './jobs.js';
import { CommandError, Server, type Query } from './server.js';
import type { Screen, SubmitOptions } from './submit-job.js';

/** From the environment, for what the command line does not say. */
export interface RemoteDefaults {
  url: string;
  key: string | undefined;
}

interface Shared {
  url: string;
  key?: string;
  tenant?: string;
  json?: boolean;
}

/** The commands that speak HTTP to a Sluice that runs: `sluice explain`, `jobs`, `dlq`, `batch`, `queues`, `workers`. */
export function addRemoteCommands(program: Command, { url, key }: RemoteDefaults): void {
  const shared = (command: Command): Command =>
    command
      .allowExcessArguments(false)
      .option('--url <origin>', 'where it listens (SLUICE_URL)', url)
      .option('--key <key>', 'its key (SLUICE_API_KEY, LITELLM_MASTER_KEY)')
      .option('--tenant <name>', 'act as this tenant; with the master key')
      .option('--json', 'for programs: as the API answers');

  const serverOf = ({ url: at, key: given, tenant }: Shared): Server =>
    new Server({ url: at, key: given ?? key, tenant });
  /** Says it, or why not, and sets the exit status. */
  const run = async (options: Shared, work: (server: Server) => Promise<Said | undefined>): Promise<void> => {
    try {
      const said = await work(serverOf(options));
      if (said === undefined) return; // it has been said on the way
      const { text, json, status = 0 } = said;
      if (options.json || text !== '') process.stdout.write(`${options.json ? JSON.stringify(json) : text}\n`);
      process.exitCode = status;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      process.stderr.write(`sluice: ${error.message}\n`);
      process.exitCode = error.status;
    }
  };

  withCall(shared(program.command('explain')))
    .description('ask a Sluice that runs who would serve a call, and why not the others; status 0, or 1: nobody')
    .action((options: Shared & ExplainOptions) =>
      run(options, async (server) => (await import('../explain.js')).explainByServer(server, options)),
    );

  const jobs = program
    .command('jobs')
    .description('durable jobs of a Sluice that runs; status 0, 1 (refused), 2 (no answer)');
  withFilters(shared(jobs.command('list').description('newest first')))
    .option('--status <status>', 'queued, delayed, running, completed, failed, cancelled or expired')
    .action((options: Shared & Filters) =>
      run(options, async (server) => (await import('./jobs.js')).listJobs(server, 'jobs', queryOf(options))),
    );
  shared(jobs.command('get <id>').description('how it stands'))
    .option('--wait <seconds>', 'until it is over, so long', numberOf)
    .option('--output', 'with what it has answered so far')
    .option('--attempts', 'with what was tried')
    .option('--result', 'its answer, and nothing else')
    .action((id: string, options: Shared & { wait?: number; output?: boolean; attempts?: boolean; result?: boolean }) =>
      run(options, async (server) => {
        const { getJob, resultOf, showWithAttempts } = await import('./jobs.js');
        const { wait, output, attempts, result } = options;
        const job = await getJob(server, id, { wait, include: output ? 'output' : undefined });
        if (result) return resultOf(server, id);
        return attempts ? showWithAttempts(server, id) : job;
      }),
    );
  shared(
    jobs
      .command('submit [file]')
      .description('a job: the body of POST /v1/jobs (- for standard input), or --model and --prompt'),
  )
    .option('--model <name>', 'of a chat call')
    .option('--prompt <text>', 'its user message')
    .option('--endpoint <path>', 'of a chat-like call', '/v1/chat/completions')
    .option('--priority <tier>', 'high, normal or low')
    .option('--metadata <name=value>', 'may be repeated', pairOf)
    .option('--wait <seconds>', 'for its answer, so long; status 1 when it came to nothing', numberOf)
    .option('--idempotency-key <key>', 'the same key makes no second job')
    .action((file: string | undefined, options: Shared & SubmitOptions) =>
      run(options, async (server) => (await import('./submit-job.js')).submitJob(server, file, options, SCREEN)),
    );
  shared(jobs.command('events <id>').description('what happens to it, a line each, until it is over'))
    .option('--after <seq>', 'what comes behind this one', numberOf)
    .action((id: string, options: Shared & { after?: number }) =>
      run(options, async (server) => {
        const { tellEvents } = await import('./jobs.js');
        await tellEvents(server, id, options, (line) => process.stdout.write(`${line}\n`));
        return undefined;
      }),
    );
  shared(
    jobs.command('cancel <ids...>').description('at once when it waits; when it runs, within half a second'),
  ).action((ids: string[], options: Shared) =>
    run(options, async (server) => (await import('./jobs.js')).cancelJobs(server, ids)),
  );
  withEdits(shared(jobs.command('retry <ids...>').description('a new job like one that is over'))).action(
    (ids: string[], options: Shared & RetryOptions) =>
      run(options, async (server) => (await import('./jobs.js')).retryJobs(server, ids, options)),
  );

  const dlq = program.command('dlq').description('dead letters: jobs that failed or expired for good');
  withFilters(shared(dlq.command('list').description('newest first'))).action((options: Shared & Filters) =>
    run(options, async (server) => (await import('./jobs.js')).listJobs(server, 'dead-letters', queryOf(options))),
  );
  shared(dlq.command('show <id>').description('with all that was tried')).action((id: string, options: Shared) =>
    run(options, async (server) => (await import('./jobs.js')).showWithAttempts(server, id)),
  );
  withEdits(shared(dlq.command('retry <ids...>').description('try them again, as they are or edited'))).action(
    (ids: string[], options: Shared & RetryOptions) =>
      run(options, async (server) => (await import('./jobs.js')).retryJobs(server, ids, options)),
  );
  shared(dlq.command('dismiss <ids...>').description('put them away')).action((ids: string[], options: Shared) =>
    run(options, async (server) => (await import('./jobs.js')).dismissJobs(server, ids)),
  );

  const batch = program.command('batch').description('files of many calls');
  shared(
    batch
      .command('run <file>')
      .description('submit a JSONL file (- for standard input), show how it goes, write the answers'),
  )
    .option('--out <file>', 'where the answers go; - is standard output (FILE.output.jsonl, of standard input -)')
    .option('--endpoint <path>', 'of every line (the url of the first, /v1/chat/completions)')
    .option('--model <name>', 'of every line')
    .option('--window <duration>', 'time to be done in, 1m to 7d', '24h')
    .action((file: string, options: Shared & BatchRunOptions) =>
      run(options, async (server) => (await import('./batch.js')).runBatch(server, file, options)),
    );

  const queues = program.command('queues').description('what waits for each model, and operating on it');
  shared(queues.command('list')).action((options: Shared) =>
    run(options, async (server) => (await import('./queues.js')).listQueues(server)),
  );
  for (const [how, what] of [
    ['pause', 'take calls in and start none'],
    ['resume', 'start what waits'],
  ] as const) {
    shared(queues.command(`${how} <group>`).description(what)).action((group: string, options: Shared) =>
      run(options, async (server) => (await import('./queues.js')).changeQueue(server, group, how)),
    );
  }
  shared(queues.command('purge <group>').description('cancel what waits'))
    .option('--yes', 'really')
    .action((group: string, options: Shared & { yes?: boolean }) =>
      run(options, async (server) => (await import('./queues.js')).purgeQueue(server, group, options.yes === true)),
    );

  const workers = program.command('workers').description('who runs the jobs');
  shared(workers.command('list')).action((options: Shared) =>
    run(options, async (server) => (await import('./queues.js')).listWorkers(server)),
  );
  shared(workers.command('drain <id>').description('let one take no more jobs; it stays until it is stopped')).action(
    (id: string, options: Shared) =>
      run(options, async (server) => (await import('./queues.js')).drainWorker(server, id)),
  );
}

const SCREEN: Screen = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
};

interface Filters {
  status?: string;
  model?: string;
  endpoint?: string;
  batch?: string;
  errorCode?: string;
  createdAfter?: number;
  createdBefore?: number;
  metadata?: Record<string, string>;
  limit?: number;
  after?: string;
}

const withFilters = (command: Command): Command =>
  command
    .option('--model <name>', 'as asked')
    .option('--endpoint <path>', 'such as /v1/chat/completions')
    .option('--batch <id>', 'lines of this batch')
    .option('--error-code <code>', 'how it failed')
    .option('--created-after <date>', 'or seconds since 1970', momentOf)
    .option('--created-before <date>', 'or seconds since 1970', momentOf)
    .option('--metadata <name=value>', 'may be repeated', pairOf)
    .option('--limit <number>', '1 to 100', numberOf, 20)
    .option('--after <id>', 'what comes behind this one');

function queryOf(filters: Filters): Query {
  const {
    status,
    model,
    endpoint,
    batch,
    errorCode,
    createdAfter,
    createdBefore,
    metadata = {},
    limit,
    after,
  } = filters;
  const pairs = Object.entries(metadata).map(([name, value]) => [`metadata[${name}]`, value]);
  return {
    status,
    model,
    endpoint,
    batch_id: batch,
    error_code: errorCode,
    created_after: createdAfter,
    created_before: createdBefore,
    ...(Object.fromEntries(pairs) as Record<string, string>),
    limit,
    after,
  };
}

const withEdits = (command: Command): Command =>
  command
    .option('--model <name>', 'another model')
    .option('--body <json>', 'members that stand in place of what was asked; @FILE for a file');

function numberOf(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}

function momentOf(text: string): number {
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be a date such as 2026-11-21T09:00Z.');
  return Math.floor(ms / 1_000);
}

function pairOf(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('It must be NAME=VALUE.');
  return { ...before, [name]: value! };
}
