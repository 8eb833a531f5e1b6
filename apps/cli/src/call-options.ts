import { type Command, InvalidArgumentError } from 'commander';

/** What `sluice explain` and `sluice config explain` can be told of a call. */
export const withCall = (command: Command): Command =>
  command
    .requiredOption('--model <name>', 'what the call asks for')
    .option('--tokens <number>', 'of its prompt', countOf)
    .option('--tags <names>', 'separated by commas')
    .option('--region <name>', 'allowed_model_region')
    .option('--images', 'it holds images')
    .option('--tools', 'it offers tools')
    .option('--stream', 'it asks for a stream')
    .option('--wants-json', 'it asks for JSON by a schema')
    .option('--text <text>', 'the last user message, for the rules of a router')
    .option('--at <date>', 'as if it were then');

function countOf(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
