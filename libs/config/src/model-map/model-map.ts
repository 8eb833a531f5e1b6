import { CAPABILITIES, type Capability, type ModelFacts, type Prices, type TokenPrices } from '@sluice/core';
import source from './model-map.tsv';

/** One line of the model map. */
export interface KnownModel extends ModelFacts {
  /** As LiteLLM names it: `gpt-4o`, `azure/gpt-4o`, `claude-sonnet-4-5`. */
  readonly name: string;
  readonly provider: string;
  /** Without its provider: `gpt-4o`. */
  readonly model: string;
  readonly mode: string;
}

interface ModelMap {
  readonly byName: ReadonlyMap<string, KnownModel>;
  /** By `provider/model`. */
  readonly byFullModel: ReadonlyMap<string, KnownModel>;
}

let read: ModelMap | undefined;

/** Read when somebody first asks: most commands never do. */
const modelMap = (): ModelMap => (read ??= readModelMap(source));

/** @param fullModel with its provider: `azure/gpt-4o` */
export const knownModel = (fullModel: string): KnownModel | undefined => modelMap().byFullModel.get(fullModel);

/** Who is meant by a name without provider, if that is how LiteLLM's map writes it. */
export const providerOfKnownModel = (name: string): string | undefined => modelMap().byName.get(name)?.provider;

/** Models that a chat can be held with, each with its provider. */
export function knownChatModels(): string[] {
  return [...modelMap().byFullModel].flatMap(([fullModel, { mode }]) => (mode === 'chat' ? [fullModel] : []));
}

/**
 * What `base_model` stands for: as it is written, or without a provider the deployment's own, then OpenAI's (which is
 * what Azure sells), then whose it is.
 */
export function baseModelFacts(baseModel: string, provider: string): KnownModel | undefined {
  const { byName, byFullModel } = modelMap();
  return byFullModel.get(`${provider}/${baseModel}`) ?? byName.get(baseModel) ?? byFullModel.get(baseModel);
}

export function readModelMap(text: string): ModelMap {
  const byName = new Map<string, KnownModel>();
  const byFullModel = new Map<string, KnownModel>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const known = readLine(line.split('\t'));
    byName.set(known.name, known);
    const fullModel = `${known.provider}/${known.model}`;
    if (!byFullModel.has(fullModel)) byFullModel.set(fullModel, known);
  }
  return { byName, byFullModel };
}

/** The columns stand in the file's head. */
function readLine(cells: readonly string[]): KnownModel {
  const [name = '', provider = '', mode = ''] = cells;
  const number = (column: number): number | undefined => (cells[column] ? Number(cells[column]) : undefined);
  const prefix = `${provider}/`;
  return {
    name,
    provider,
    model: name.startsWith(prefix) ? name.slice(prefix.length) : name,
    mode,
    limits: { maxInputTokens: number(3), maxOutputTokens: number(4) },
    prices: readPrices(number),
    supports: readAbilities(cells[15] ?? ''),
  };
}

function readPrices(number: (column: number) => number | undefined): Prices | undefined {
  const usual = tokenPrices(number, 5);
  if (usual === undefined) return undefined;
  const tokens = number(10);
  const long = tokens === undefined ? undefined : tokenPrices(number, 11);
  return { ...usual, reasoning: number(9), above: long && { tokens: tokens!, ...long } };
}

function tokenPrices(number: (column: number) => number | undefined, from: number): TokenPrices | undefined {
  const input = number(from);
  if (input === undefined) return undefined;
  return { input, output: number(from + 1) ?? 0, cacheRead: number(from + 2), cacheWrite: number(from + 3) };
}

function readAbilities(words: string): Partial<Record<Capability, boolean>> {
  const supports: Partial<Record<Capability, boolean>> = {};
  for (const capability of CAPABILITIES) {
    const isSaid = (word: string): boolean => words.split(' ').includes(word);
    if (isSaid(capability)) supports[capability] = true;
    else if (isSaid(`-${capability}`)) supports[capability] = false;
  }
  return supports;
}
