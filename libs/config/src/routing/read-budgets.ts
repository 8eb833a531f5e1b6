import { budgetPeriodOf, type Budget, type BudgetPeriod, type Deployment, type ModelTable } from '@sluice/core';
import { firstOf, type Section } from '../section.js';

/**
 * Money that deployments may cost: of a provider (`provider_budget_config`, LiteLLM's two spellings of it), and each
 * deployment's own (`max_budget`, `budget_duration` of its `litellm_params`).
 */
export function readBudgets(
  { router, litellm }: { readonly router: Section | undefined; readonly litellm: Section | undefined },
  { deployments }: ModelTable,
): Budget[] {
  const timeZone = readTimeZone(litellm);
  const all = [...deployments.values()];
  const own = all.flatMap(({ id, ownBudget }): Budget[] =>
    ownBudget === undefined ? [] : [{ name: `deployment:${id}`, ...ownBudget, timeZone, deploymentIds: [id] }],
  );
  const config = router?.section('provider_budget_config');
  const ofProviders = [...(config?.map.entries.keys() ?? [])].flatMap((provider): Budget[] => {
    const section = config!.section(provider);
    if (section === undefined) return [];
    const either = [
      [section, 'budget_limit'],
      [section, 'max_budget'],
    ] as const;
    const usd = firstOf(either, (from, key) => from.number(key));
    const period =
      readPeriod(section, 'time_period') ??
      (section.has('time_period') ? undefined : readPeriod(section, 'budget_duration'));
    if (usd === undefined) {
      if (!either.some(([from, key]) => from.has(key)))
        section.book.error(section.place, 'map', 'budget_limit is missing');
      return [];
    }
    const members = all.filter((deployment) => deployment.provider === provider);
    if (members.length === 0) section.book.noEffect(section.place, `no deployment is of the provider "${provider}"`);
    for (const { id } of members.filter(isWithoutPrice))
      section.book.harmless(
        section.place,
        `no price is known of the deployment ${id}: its calls cost the budget nothing`,
      );
    const deploymentIds = members.map(({ id }) => id);
    return members.length === 0
      ? []
      : [{ name: `provider:${provider}`, usdNanos: nanosOf(usd), period, timeZone, deploymentIds }];
  });
  return [...ofProviders, ...own];
}

/** Without a price nothing would ever be counted: as if the limit were not written. */
export function readOwnBudget(
  params: Section,
  deployment: Pick<Deployment, 'prices' | 'fullModel'>,
): Deployment['ownBudget'] {
  const usd = params.number('max_budget');
  const period = readPeriod(params, 'budget_duration');
  if (usd === undefined) {
    const unread = params.map.entries.get('budget_duration');
    if (unread !== undefined) params.book.noEffect(unread.place, 'there is no max_budget that it would reset');
    return undefined;
  }
  if (isWithoutPrice(deployment)) {
    const { place } = params.map.entries.get('max_budget')!;
    const advice = 'write input_cost_per_token and output_cost_per_token';
    params.book.blocking(
      place,
      `no price is known of ${deployment.fullModel}: what it costs cannot be counted`,
      advice,
    );
  }
  return { usdNanos: nanosOf(usd), period };
}

/** A pattern's price is that of the model that is asked for. */
const isWithoutPrice = ({ prices, fullModel }: Pick<Deployment, 'prices' | 'fullModel'>): boolean =>
  prices === undefined && !fullModel.includes('*');

const nanosOf = (usd: number): number => Math.round(usd * 1e9);

function readPeriod(section: Section, key: string): BudgetPeriod | undefined {
  const text = section.string(key);
  const period = text === undefined ? undefined : budgetPeriodOf(text);
  if (text === undefined || period !== undefined) return period;
  return section.wrong(
    section.map.entries.get(key)!,
    'a duration such as 30s, 12h, 7d, 1mo or monthly',
    'another text',
  );
}

/** In which days, weeks and months of budgets begin. */
function readTimeZone(litellm: Section | undefined): string {
  const name = litellm?.string('timezone');
  if (name === undefined) return 'UTC';
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    litellm!.wrong(litellm!.map.entries.get('timezone')!, 'a time zone such as Europe/Berlin', 'not known as one');
    return 'UTC';
  }
}
