import { formatReport, type Settings } from '@sluice/config';
import { DEMONSTRATION_KEY } from './demonstration.js';

/** What the terminal shows once, when everything is up: enough to make the first call by copying a line. */
export function demonstrationBanner(origin: string, simulator: string): string {
  const call = (body: string, flags: string): string =>
    `curl -s${flags} ${origin}/v1/chat/completions -H 'authorization: Bearer ${DEMONSTRATION_KEY}' ` +
    `-H 'content-type: application/json' -d '${body}'`;
  const hello = '"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]';
  const profile = (script: string): string =>
    `curl -s -o /dev/null -X PUT ${simulator}/_sim/profiles/openai-direct -d '${script}'`;
  return `
Sluice answers at ${origin}    key ${DEMONSTRATION_KEY}
No configuration was found, so this is a demonstration. A simulator plays the four deployments of gpt-4o:
azure-west (429 after 5 calls in 10 s), azure-east (fails half of its calls), openai-direct, claude-backup (only if the rest is out).

A call, and a stream:
  ${call(`{${hello}}`, '')}
  ${call(`{${hello},"stream":true}`, 'N')}

Make a provider fail, and watch who answers instead (model-id) and after how many retries:
  ${profile('{"rules":[{"do":{"kind":"server"}}]}')}
  ${call(`{${hello}}`, 'i')} | grep -iE '^(HTTP|x-litellm-(model-id|attempted))'
  ${profile('{}')}    # well again

With your LiteLLM configuration:  npm start -- --config config.yaml        Ctrl-C stops.
`;
}

/** URL, groups, the report once, and the key when it was made here: nobody knows it yet. */
export function configuredBanner(origin: string, settings: Settings): string {
  const key = settings.masterKeyIsGenerated
    ? `\nThe variable of general_settings.master_key is not set, so a key was made and kept in the data folder: ${settings.masterKey}\n`
    : settings.masterKey === undefined
      ? '\nNo master key is set: whoever reaches this port can call. Set general_settings.master_key or LITELLM_MASTER_KEY.\n'
      : '';
  return `${formatReport(settings.report)}

Sluice answers at ${origin}
Model groups: ${groupNames(settings)}
${key}`;
}

export function groupNames(settings: Settings): string {
  return [...settings.models.groups.keys()].join(', ') || 'none';
}

/** What one types to reach it from this machine: the address itself, unless it means all of them. */
export function originOf(host: string, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::' || host === '';
  return `http://${isAny ? 'localhost' : host.includes(':') ? `[${host}]` : host}:${port}`;
}
