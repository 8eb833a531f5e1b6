import {
  hoursOf,
  languageOf,
  PatternError,
  resolveModel,
  textPattern,
  type ModelTable,
  type RouterConditions,
  type RouterGroup,
  type RouterRule,
} from '@sluice/core';
import type { ReportBook } from '../report-book.js';
import type { Section } from '../section.js';
import { sortKeys } from '../sort-keys.js';
import type { Place } from '../yaml/node.js';

/** A router, and where its targets stand in the file. */
export interface WrittenRouter extends RouterGroup {
  readonly place: Place;
  readonly targets: readonly { readonly name: string; readonly place: Place }[];
}

const ROUTER = 'sluice/router';

/** `litellm_params: {model: sluice/router, …}`. */
export function isRouter(entry: Section): boolean {
  const params = entry.map.entries.get('litellm_params');
  const model = params?.kind === 'map' ? params.entries.get('model') : undefined;
  return model?.kind === 'scalar' && model.value === ROUTER;
}

/** `model_name`, and the rules that say which model a call by that name goes to. */
export function readRouter(entry: Section, routers: Map<string, WrittenRouter>): void {
  const { book } = entry;
  sortKeys('modelEntry', entry.map, book);
  const name = required(entry, 'model_name');
  const params = entry.section('litellm_params')!;
  sortKeys('routerGroup', params.map, book);
  const targets: { name: string; place: Place }[] = [];
  const target = (section: Section, key: string): string | undefined => {
    const use = required(section, key);
    if (use !== undefined) targets.push({ name: use, place: section.map.entries.get(key)!.place });
    return use;
  };
  const rules = params.sections('rules').flatMap((rule): RouterRule[] => {
    sortKeys('routerRule', rule.map, book);
    const use = target(rule, 'use');
    const when = rule.section('when');
    if (when === undefined) book.error(rule.place, 'map', 'when is missing', 'say which calls the rule is for');
    return use === undefined || when === undefined ? [] : [{ when: readWhen(when), use }];
  });
  const otherwise = target(params, 'default');
  if (name === undefined || otherwise === undefined) return;
  const { place } = entry.map.entries.get('model_name')!;
  if (routers.has(name)) book.error(place, 'string', `is the second router called "${name}"`, 'write its rules as one');
  routers.set(name, { name, rules, default: otherwise, place, targets });
}

function readWhen(when: Section): RouterConditions {
  sortKeys('routerWhen', when.map, when.book);
  const given = {
    inputTokensOver: when.wholeNumber('input_tokens_over'),
    hasImages: when.flag('has_images'),
    hasTools: when.flag('has_tools'),
    wantsJson: when.flag('wants_json'),
    codeLanguage: words(when, 'code_language')?.map(languageOf),
    tag: words(when, 'tag'),
    matches: read(when, 'matches', (text) => {
      try {
        return textPattern(text);
      } catch (error) {
        if (!(error instanceof PatternError)) throw error;
        when.book.error(when.map.entries.get('matches')!.place, 'string', `the pattern ${error.message}`);
        return undefined;
      }
    }),
    hours: read(when, 'hours', (text) => {
      const hours = hoursOf(text);
      const node = when.map.entries.get('hours')!;
      return hours ?? when.wrong(node, 'two times of day as in "08:00-18:00 Europe/Berlin" (else UTC)', 'not');
    }),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function read<T>(section: Section, key: string, parse: (text: string) => T | undefined): T | undefined {
  const text = section.string(key);
  return text === undefined ? undefined : parse(text);
}

/** One word, or a list of them. */
function words(section: Section, key: string): string[] | undefined {
  const node = section.node(key);
  if (node?.kind === 'list') return section.strings(key);
  const word = section.string(key);
  return word === undefined ? undefined : [word];
}

function required(section: Section, key: string): string | undefined {
  const text = section.string(key);
  if (text === undefined || text === '') section.book.error(section.place, 'map', `${key} is missing`);
  return text === '' ? undefined : text;
}

/** A rule leads to a model: a router behind a router could lead in a ring. */
export function checkRouters(
  routers: ReadonlyMap<string, WrittenRouter>,
  models: ModelTable,
  book: ReportBook,
  strict: boolean,
): void {
  for (const { targets } of routers.values()) {
    for (const { name, place } of targets) {
      const { kind } = resolveModel(models, name, strict);
      if (kind === 'unknown') book.error(place, 'string', `names "${name}", and no model is called so`, ADVICE);
      if (kind === 'router') book.error(place, 'string', `names the router "${name}"`, ADVICE);
    }
  }
}

const ADVICE = 'write a model_name of model_list, an alias or a deployment id';
