import type { ModelTable, RescuePolicy, RoutingPolicy } from '@sluice/core';
import { NOT_YET } from '../report-book.js';
import { Section } from '../section.js';
import { sortKeys } from '../sort-keys.js';

const DEFAULTS: RescuePolicy = { midstream: 'continue', hedge: 'rescue', hedgeAfterMs: 10_000, hedgeBudget: 0.05 };

/** What becomes of broken streams and slow beginnings: under `sluice`, and for single groups under `sluice.groups`. */
export function readRescue(
  sluice: Section | undefined,
  models: ModelTable,
): RescuePolicy & Pick<RoutingPolicy, 'ofGroup'> {
  const general = rescueIn(sluice, DEFAULTS);
  const ofGroup = new Map<string, RescuePolicy>();
  const groups = sluice?.section('groups');
  for (const [name, node] of groups?.map.entries ?? []) {
    if (node.kind !== 'map') groups!.wrong(node, 'a map');
    else {
      const own = new Section(node, groups!.book);
      sortKeys('sluiceGroup', node, groups!.book);
      ofGroup.set(name, rescueIn(own, general));
      if (!models.groups.has(name)) groups!.book.noEffect(node.place, 'no model group has this name');
    }
  }
  return { ...general, ofGroup };
}

function rescueIn(section: Section | undefined, otherwise: RescuePolicy): RescuePolicy {
  const midstream = section?.word('midstream', ['continue', 'error', 'restart']);
  if (midstream === 'restart') {
    section!.book.harmless(
      section!.map.entries.get('midstream')!.place,
      `restart is for streams of jobs, ${NOT_YET}: streams of chat completions continue`,
    );
  }
  return {
    midstream: midstream === undefined ? otherwise.midstream : midstream === 'error' ? 'error' : 'continue',
    hedge: section?.word('hedge', ['rescue', 'eager', 'off']) ?? otherwise.hedge,
    hedgeAfterMs: section?.seconds('hedge_after', { zero: 'refused' }) ?? otherwise.hedgeAfterMs,
    hedgeBudget: section?.number('hedge_budget') ?? otherwise.hedgeBudget,
  };
}
