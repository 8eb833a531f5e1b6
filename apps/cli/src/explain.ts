import { lineOf, readConfig } from '@sluice/config';
import { explainModel, meantBy, type CallSketch, type ExplainedModel, type Known } from '@sluice/core';
import type { Said } from './remote/jobs.js';
import type { Server } from './remote/server.js';

/** `--model M --tokens N --tags a,b …`, as the command line gives them. */
export interface ExplainOptions {
  model: string;
  stream?: boolean;
  tokens?: number;
  tags?: string;
  region?: string;
  images?: boolean;
  tools?: boolean;
  wantsJson?: boolean;
  text?: string;
  at?: string;
  json?: boolean;
}

const NOTHING_KNOWN: Known = { statusOf: () => undefined, seen: () => undefined, spent: [] };
const ANSWER_TOKENS = 256;

interface Explained {
  status: 0 | 1 | 2;
  text: string;
}

/**
 * `sluice config explain FILE`: who would serve a call, by the file alone, as if every deployment were idle and well.
 * @returns The exit status: 0 somebody, 1 nobody or no such model, 2 the file cannot be used.
 */
export function explainByFile(
  file: string,
  options: ExplainOptions,
  { env, cwd }: { env: NodeJS.ProcessEnv; cwd: string },
): Explained {
  const { models, policy, strict, report } = readConfig({ env, cwd, file });
  if (report.errors.length > 0) {
    return { status: 2, text: report.errors.map(lineOf).join('\n') };
  }
  const sketch = sketchOf(options);
  const meant = meantBy(sketch, models, strict);
  if (meant.kind === 'unknown') {
    const near = meant.nearest.length === 0 ? '' : ` Nearest names: ${meant.nearest.join(', ')}.`;
    return { status: 1, text: `There is no model "${options.model}".${near}` };
  }
  return shown(explainModel(sketch, meant, policy, NOTHING_KNOWN, Math.random), options);
}

/** `sluice explain`: the same by a Sluice that runs, with what its cluster knows now. @throws CommandError */
export async function explainByServer(server: Server, options: ExplainOptions): Promise<Said> {
  const { model, stream, tokens, tags, region, images, tools, wantsJson, text, at } = options;
  const explained = await server.get<ExplainedModel>('deployments/explain', {
    model,
    stream,
    tokens,
    tags,
    region,
    has_images: images,
    has_tools: tools,
    wants_json: wantsJson,
    text,
    at,
  });
  return { text: asText(explained), json: explained, status: statusOf(explained) };
}

/** @throws Error with a sentence for a date that is none */
function sketchOf({
  model,
  stream,
  tokens,
  tags,
  region,
  images,
  tools,
  wantsJson,
  text,
  at,
}: ExplainOptions): CallSketch {
  const nowMs = at === undefined ? Date.now() : Date.parse(at);
  if (Number.isNaN(nowMs)) throw new Error('--at must be a date such as 2026-11-21T09:00Z');
  return {
    model,
    stream: stream ?? false,
    inputTokens: tokens ?? 0,
    outputTokens: ANSWER_TOKENS,
    tags: (tags ?? '').split(',').flatMap((tag) => (tag.trim() === '' ? [] : [tag.trim()])),
    region,
    hasImages: images ?? false,
    hasTools: tools ?? false,
    wantsJson: wantsJson ?? false,
    text: text ?? '',
    nowMs,
  };
}

function shown(explained: ExplainedModel, { json }: ExplainOptions): Explained {
  return { status: statusOf(explained), text: json ? JSON.stringify(explained, undefined, 2) : asText(explained) };
}

const statusOf = ({ would }: ExplainedModel): 0 | 1 => (would === 'reject' ? 1 : 0);

const WOULD = {
  dispatch: 'would be sent at once',
  wait: 'would wait',
  reject: 'could be served by nobody here',
};

function asText(explained: ExplainedModel): string {
  const { model, group, router, strategy, fallbacks, would, wait_ms: waitMs, candidates } = explained;
  const rule = router?.rule === null ? 'no rule, the default' : `rule ${router?.rule}`;
  const lines = [
    `A call to "${model}" ${WOULD[would]}${waitMs === null ? '' : `, for ${waitMs} ms`}.`,
    ...(router === null ? [] : [`Router ${router.router}: ${rule} -> ${router.use}`]),
    `Group ${group}, ${strategy}; fallbacks: ${fallbacks.length === 0 ? 'none' : fallbacks.join(', ')}`,
  ];
  const width = Math.max(...candidates.map(({ deployment }) => deployment.length));
  for (const { deployment, verdict, reason, share, measure } of candidates) {
    const about = [
      verdict,
      reason === null ? undefined : (REASONS[reason] ?? reason),
      share === null || share === 0 ? undefined : `first in ${Math.round(share * 100)} % of calls`,
      measure === null || measure.value === null ? undefined : `${measure.by} ${Number(measure.value.toPrecision(3))}`,
    ];
    lines.push(`  ${deployment.padEnd(width)}  ${about.filter((part) => part !== undefined).join(', ')}`);
  }
  return lines.join('\n');
}

/** The words of API.md 7 that do not speak for themselves. */
const REASONS: Readonly<Record<string, string>> = {
  context_window: 'its context window is too small',
  tag: 'its tags do not match',
  region: 'it is in another region, or does not say',
  capability: 'its model cannot do what the call asks for',
  lower_order: 'a lower order has somebody',
  not_picked: 'another is preferred',
  parallel: 'it has all the calls that it may have at a time',
  rpm: 'its requests of this minute are used up',
  tpm: 'its tokens of this minute are used up',
  probing: 'a probe of it is under way',
  breaker_open: 'it is out after failures',
  budget: 'its budget is spent',
  disabled: 'it has no key, or belongs to another environment',
};
