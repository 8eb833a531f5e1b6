import { memberOf, readNeeds } from '../fit/read-needs.js';
import { codeLanguagesIn, lastUserText } from './read-question.js';
import { isWithin, type Hours } from './hours.js';
import type { TextPattern } from './text-pattern.js';

/** A name that stands for no deployments of its own: its rules say which model a call goes to. `model: sluice/router`. */
export interface RouterGroup {
  readonly name: string;
  /** The first whose conditions all hold. */
  readonly rules: readonly RouterRule[];
  readonly default: string;
}

export interface RouterRule {
  readonly when: RouterConditions;
  /** A model's name: group, alias, pattern match or deployment id. */
  readonly use: string;
}

/** All that are there must hold. */
export interface RouterConditions {
  readonly inputTokensOver?: number;
  readonly hasImages?: boolean;
  readonly hasTools?: boolean;
  /** `response_format` asks for JSON, with or without a schema. */
  readonly wantsJson?: boolean;
  /** The fenced code of the last user message is in one of these. */
  readonly codeLanguage?: readonly string[];
  /** The call has one of these. */
  readonly tag?: readonly string[];
  /** Of the last user message. */
  readonly matches?: TextPattern;
  readonly hours?: Hours;
}

/** What rules look at; each is read when a rule first asks. */
export interface RoutedCall {
  readonly inputTokens: () => number;
  readonly hasImages: () => boolean;
  readonly hasTools: () => boolean;
  readonly wantsJson: () => boolean;
  readonly text: () => string;
  readonly tags: readonly string[];
  readonly nowMs: number;
}

export interface RoutedTo {
  readonly use: string;
  /** Index of the rule that held; undefined: none, the default. */
  readonly rule: number | undefined;
  /** Of each rule before it, the condition that did not hold. */
  readonly failed: readonly (keyof RouterConditions)[];
}

/** First match wins. */
export function chooseGroup(router: RouterGroup, call: RoutedCall): RoutedTo {
  const failed: (keyof RouterConditions)[] = [];
  for (const [rule, { when, use }] of router.rules.entries()) {
    const not = CONDITIONS.find((condition) => when[condition] !== undefined && !holds(condition, when, call));
    if (not === undefined) return { use, rule, failed };
    failed.push(not);
  }
  return { use: router.default, rule: undefined, failed };
}

/** The cheap ones first. */
const CONDITIONS = [
  'tag',
  'wantsJson',
  'hasTools',
  'hours',
  'hasImages',
  'inputTokensOver',
  'codeLanguage',
  'matches',
] as const satisfies readonly (keyof RouterConditions)[];

function holds(condition: keyof RouterConditions, when: RouterConditions, call: RoutedCall): boolean {
  switch (condition) {
    case 'inputTokensOver':
      return call.inputTokens() > when.inputTokensOver!;
    case 'hasImages':
      return call.hasImages() === when.hasImages;
    case 'hasTools':
      return call.hasTools() === when.hasTools;
    case 'wantsJson':
      return call.wantsJson() === when.wantsJson;
    case 'codeLanguage': {
      const languages = codeLanguagesIn(call.text());
      return when.codeLanguage!.some((language) => languages.has(language));
    }
    case 'tag':
      return when.tag!.some((tag) => call.tags.includes(tag));
    case 'matches':
      return when.matches!.test(call.text());
    case 'hours':
      return isWithin(when.hours!, call.nowMs);
  }
}

type Body = Parameters<typeof readNeeds>[0];

/** @param body of a chat completion, checked as far as `messages` being a list of objects */
export function routedCall(body: Body, tags: readonly string[], nowMs: number): RoutedCall {
  let known: ReturnType<typeof readNeeds> | undefined;
  const needs = (): ReturnType<typeof readNeeds> => (known ??= readNeeds(body));
  let text: string | undefined;
  return {
    inputTokens: () => needs().inputTokens,
    hasImages: () => needs().capabilities.has('vision'),
    hasTools: () => isFilled(body['tools']) || isFilled(body['functions']),
    wantsJson: () => String(memberOf(body['response_format'], 'type')).startsWith('json'),
    text: () => (text ??= lastUserText(body.messages)),
    tags,
    nowMs,
  };
}

const isFilled = (list: unknown): boolean => Array.isArray(list) && list.length > 0;
