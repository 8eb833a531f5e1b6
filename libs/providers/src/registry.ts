import type { Deployment } from '@sluice/core';
import type { Adapter } from './adapter.js';
import { anthropicAdapter } from './anthropic/anthropic-adapter.js';
import { azureAdapter } from './azure/azure-adapter.js';
import { openaiAdapter } from './openai/openai-adapter.js';

const ADAPTERS: Readonly<Record<Deployment['provider'], Adapter>> = {
  openai: openaiAdapter,
  azure: azureAdapter,
  anthropic: anthropicAdapter,
};

export const adapterFor = (provider: Deployment['provider']): Adapter => ADAPTERS[provider];
