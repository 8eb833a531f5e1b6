import { Controller, Get, Param } from '@nestjs/common';
import { knownChatModels } from '@sluice/config';
import { listedModels, resolveModel, type ModelTable } from '@sluice/core';
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
    const view = this.views().get(name) ?? this.byPattern(name);
    if (view === undefined) throw apiError('model_not_found', `There is no model "${name.slice(0, 200)}".`, 'model');
    return view;
  }

  /** A model that nobody has listed may be one that a pattern serves. */
  private byPattern(name: string): ModelView | undefined {
    const { models, strictNames } = this.live.settings;
    const resolved = resolveModel(models, name, strictNames);
    return resolved.kind === 'found' && resolved.captured !== undefined ? viewOf(name) : undefined;
  }

  /** Made once for each configuration. */
  private views(): ReadonlyMap<string, ModelView> {
    const { models } = this.live.settings;
    if (this.known?.models !== models) this.known = { models, views: viewsOf(models) };
    return this.known.views;
  }
}

function viewsOf(models: ModelTable): Map<string, ModelView> {
  const names = listedModels(models, knownChatModels);
  return new Map(names.map((id) => [id, viewOf(id)] as const));
}

const viewOf = (id: string): ModelView => ({ id, object: 'model', created: CREATED, owned_by: 'sluice' });
