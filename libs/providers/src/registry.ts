import type { Deployment } from '@sluice/core';
import type { Adapter } from './adapter.js';
import { openaiAdapter } from './openai/openai-adapter.js';

const ADAPTERS: Readonly<Record<Deployment['provider'], Adapter>> = {
  openai: openaiAdapter,
  azure: openaiAdapter,
  anthropic: openaiAdapter,
};

export const adapterFor = (provider: Deployment['provider']): Adapter => ADAPTERS[provider];
