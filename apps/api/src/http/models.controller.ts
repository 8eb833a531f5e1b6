import { Controller, Get, Inject, Param } from '@nestjs/common';
import type { ModelTable } from '@sluice/core';
import { MODELS } from '../tokens.js';
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
  private readonly views: Map<string, ModelView>;

  constructor(@Inject(MODELS) models: ModelTable) {
    const names = [...models.groups.keys()];
    for (const [alias, { hidden }] of models.aliases) if (!hidden) names.push(alias);
    this.views = new Map(
      names.toSorted().map((id) => [id, { id, object: 'model', created: CREATED, owned_by: 'sluice' }] as const),
    );
  }

  @Get('models')
  list(): { object: 'list'; data: ModelView[] } {
    return { object: 'list', data: [...this.views.values()] };
  }

  /** A name may hold slashes: `openai/gpt-4o`. */
  @Get('models/*')
  one(@Param('*') name: string): ModelView {
    const view = this.views.get(name);
    if (view === undefined) throw apiError('model_not_found', `There is no model "${name.slice(0, 200)}".`, 'model');
    return view;
  }
}
