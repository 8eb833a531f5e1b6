import type { CallSketch } from '@sluice/core';
import { apiError } from './api-error.js';

const ANSWER_TOKENS = 256;

/**
 * The query of `GET /v1/deployments/explain`.
 * @throws 400 invalid_request
 */
export function callSketchOf(query: Readonly<Record<string, unknown>>, nowMs: number): CallSketch {
  const text = (name: string): string | undefined => {
    const value = query[name];
    if (value === undefined || typeof value === 'string') return value;
    throw wrong(name, 'given once');
  };
  const count = (name: string): number | undefined => {
    const value = text(name);
    if (value === undefined) return undefined;
    if (/^\d{1,12}$/.test(value)) return Number(value);
    throw wrong(name, 'a whole number');
  };
  const flag = (name: string): boolean => {
    const value = text(name) ?? 'false';
    if (/^(?:true|false|1|0)$/.test(value)) return value === 'true' || value === '1';
    throw wrong(name, 'true or false');
  };
  const model = text('model') ?? '';
  if (model === '') throw wrong('model', 'the name of a model');
  const at = text('at');
  const atMs = at === undefined ? nowMs : Date.parse(at);
  if (Number.isNaN(atMs)) throw wrong('at', 'a date such as 2026-11-21T09:00Z');
  return {
    model,
    stream: flag('stream'),
    inputTokens: count('input_tokens') ?? count('tokens') ?? 0,
    outputTokens: count('max_tokens') ?? ANSWER_TOKENS,
    tags: (text('tags') ?? '')
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== ''),
    region: text('region'),
    hasImages: flag('has_images'),
    hasTools: flag('has_tools'),
    wantsJson: flag('wants_json'),
    text: text('text') ?? '',
    nowMs: atMs,
  };
}

const wrong = (param: string, expected: string): Error =>
  apiError('invalid_request', `${param} must be ${expected}.`, param);
