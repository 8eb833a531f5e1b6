import { Controller, Get, Param } from '@nestjs/common';
import type { ModelTable } from '@sluice/core';
import { LiveSettings } from '../live-settings.js';
import { apiError } from './api-error.js';

interface ModelView {
  id: string;
  object: 'model';
  created: number;
  owned_by: string;
}

/** OpenAI's clients read a time here; LiteLLM says this one for every model. */
const CREATED = 1_677_610_602;

@Controller(['v1', ''])
export class ModelsController {
  private known: { models: ModelTable; views: ReadonlyMap<string, ModelView> } | undefined;

  constructor(private readonly live: LiveSettings) {}

  @Get('models')
  list(): { object: 'list'; data: ModelView[] } {
    return { object: 'list', data: [...this.views().values()] };
  }

  /** A name may hold slashes: `openai/gpt-4o`. */
  @Get('models/*')
  one(@Param('*') name: string): ModelView {
    const view = this.views().get(name);
    if (view === undefined) throw apiError('model_not_found', `There is no model "${name.slice(0, 200)}".`, 'model');
    return view;
  }

  /** Made once for each configuration. */
  private views(): ReadonlyMap<string, ModelView> {
    const { models } = this.live.settings;
    if (this.known?.models !== models) this.known = { models, views: viewsOf(models) };
    return this.known.views;
  }
}

function viewsOf(models: ModelTable): Map<string, ModelView> {
  const names = [...models.groups.keys()];
  for (const [alias, { hidden }] of models.aliases) if (!hidden) names.push(alias);
  return new Map(
    names.toSorted().map((id) => [id, { id, object: 'model', created: CREATED, owned_by: 'sluice' }] as const),
  );
}
