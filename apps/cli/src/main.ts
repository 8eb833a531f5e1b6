import { Command, InvalidArgumentError, Option } from 'commander';
import type { LoadInput } from '@sluice/config';
import { withCall } from './call-options.js';
import type { ExplainOptions } from './explain.js';
import { addRemoteCommands } from './remote/commands.js';
import about from '../../../package.json' with { type: 'json' };

// The only place of the program that reads the environment and the command line; roles are loaded by the commands that
// need them, so that the light ones stay quick.

interface RoleOptions {
  config?: string;
  port?: string;
  host?: string;
  data?: string;
  groups?: string;
  concurrency?: string;
  roles?: string;
  allowUnsupported?: boolean;
}

const inputOf = ({ host, ...args }: RoleOptions): LoadInput => ({
  env: host === undefined ? process.env : { ...process.env, SLUICE_HOST: host },
  cwd: process.cwd(),
  args,
});

const program = new Command('sluice')
  .description('Queue-backed inference broker')
  .version(about.version)
  .showHelpAfterError('(sluice --help lists commands and options)');

/** Options that every role with settings takes. */
function role(name: string, description: string, isDefault = false): Command {
  return program
    .command(name, { isDefault })
    .description(description)
    .allowExcessArguments(false)
    .option('--config <file>', 'config.yaml, in the form of LiteLLM (CONFIG_FILE_PATH, ./config.yaml)')
    .option('--allow-unsupported', 'start although the configuration asks for what is not supported');
}

const withPort = (command: Command): Command =>
  command
    .option('--port <number>', 'port of the API (PORT, 4000); 0 picks a free one')
    .option('--host <address>', 'address to listen on (SLUICE_HOST, 0.0.0.0)');

const withJobs = (command: Command): Command =>
  command
    .option('--groups <names>', 'model groups to serve, separated by commas (all)')
    .option('--concurrency <number>', 'jobs at once of each group (SLUICE_WORKER_CONCURRENCY, 200)');

withJobs(withPort(role('start', 'api and worker in one process, on a Redis of its own when REDIS_URL is unset', true)))
  .option('--data <folder>', 'where the embedded Redis keeps its files (SLUICE_DATA_DIR, ./data)')
  .action(async (options: RoleOptions) => (await import('./start.js')).start(inputOf(options)));

withPort(role('api', 'the HTTP side alone; needs REDIS_URL')).action(async (options: RoleOptions) =>
  (await import('./start.js')).startApi(inputOf(options)),
);

withJobs(role('worker', 'the working side alone; needs REDIS_URL'))
  .option('--roles <names>', 'of inference, webhooks, batches, ledger; separated by commas (all)')
  .option('--check', 'say whether the worker on this host beats, and leave with 0 or 1')
  .addOption(new Option('--suspects <tag>').hideHelp()) // of a worker's own making: suspects-launcher.ts
  .action(async ({ check, suspects, ...options }: RoleOptions & { check?: boolean; suspects?: string }) => {
    const { checkWorkerHere, startSuspects, startWorker } = await import('./start.js');
    if (suspects !== undefined) return startSuspects(inputOf(options), suspects);
    if (!check) return startWorker(inputOf(options));
    process.exit((await checkWorkerHere(inputOf(options))) ? 0 : 1);
  });

program
  .command('simulator')
  .description('a provider that misbehaves on request: OpenAI, Azure and Anthropic formats')
  .allowExcessArguments(false)
  .option('--port <number>', 'port to listen on; 0 picks a free one', portOf, 4001)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--script <file>', 'fault script, JSON')
  .action(async ({ script, ...options }: { port: number; host: string; script?: string }) =>
    (await import('./start.js')).startSimulator({ ...options, scriptFile: script }),
  );

role('migrate', 'make or change the tables of DATABASE_URL; safe to repeat').action(async (options: RoleOptions) =>
  (await import('./start.js')).migrate(inputOf(options)),
);

function tell({ status, text }: { status: number; text: string }): void {
  process.stdout.write(`${text}\n`);
  process.exitCode = status;
}

addRemoteCommands(program, {
  url: process.env['SLUICE_URL'] || `http://127.0.0.1:${process.env['PORT'] || 4000}`,
  key: process.env['SLUICE_API_KEY'] || process.env['LITELLM_MASTER_KEY'] || undefined,
});

const config = program.command('config').description('work on configuration files');

withCall(config.command('explain'))
  .description('who would serve a call by a file alone, and why not the others; status 0, 1 (nobody) or 2 (file)')
  .argument('<file>')
  .option('--json', 'as GET /v1/deployments/explain answers')
  .action(async (file: string, options: ExplainOptions) => {
    const { explainByFile } = await import('./explain.js');
    tell(explainByFile(file, options, { env: process.env, cwd: process.cwd() }));
  });

config
  .command('check')
  .description('say what each key would do here; status 0, 1 (would not start) or 2 (unreadable)')
  .argument('<file>')
  .option('--json', 'for programs: {applied[], noEffect[], unsupported[], errors[]}')
  .action(async (file: string, { json = false }: { json?: boolean }) => {
    const { checkConfig } = await import('./config-check.js');
    tell(checkConfig(file, { env: process.env, cwd: process.cwd(), asJson: json }));
  });

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
}

// `start` is what runs without a command, so commander would call a mistyped one an argument too many of `start`.
const [word = '-'] = process.argv.slice(2);
const isCommand = word === 'help' || program.commands.some((command) => command.name() === word);
if (!word.startsWith('-') && !isCommand) program.error(`error: unknown command '${word}'`);

try {
  await program.parseAsync();
} catch (error) {
  const { message, stack } = error as Error;
  const isVerbose = ['debug', 'trace'].includes(process.env['LOG_LEVEL'] ?? '');
  process.stderr.write(`${isVerbose ? stack : message.replace(/^/gm, 'sluice: ')}\n`);
  process.exit(1);
}
