/** A deployment with this tag serves calls without a tag, and those whose tags nobody has. */
const DEFAULT_TAG = 'default';

/**
 * Which deployments the tags of a call allow: as many booleans as there are deployments. `!t` leaves deployments with the
 * tag out and `&t` all others; of the plain ones every tag must be there, or with `matchesAny` one of them. Nobody: those
 * tagged `default`. A call without tags goes to those tagged `default` or not at all. Source: LITELLM.md 4,
 * `enable_tag_filtering`.
 * @param tagSets of each deployment
 */
export function matchTags(
  asked: readonly string[],
  tagSets: readonly (readonly string[])[],
  matchesAny: boolean,
): boolean[] {
  const excluded = named(asked, '!');
  const required = named(asked, '&');
  const plain = asked.filter((tag) => !/^[!&]/.test(tag));
  const allowed = tagSets.map(
    (tags) => !excluded.some((tag) => tags.includes(tag)) && required.every((tag) => tags.includes(tag)),
  );
  if (asked.length === 0) return tagSets.map((tags) => tags.length === 0 || tags.includes(DEFAULT_TAG));
  if (plain.length === 0) return allowed;
  const matched = tagSets.map((tags, i) => {
    const has = (tag: string): boolean => tags.includes(tag);
    return allowed[i]! && (matchesAny ? plain.some(has) : plain.every(has));
  });
  return matched.includes(true) ? matched : tagSets.map((tags, i) => allowed[i]! && tags.includes(DEFAULT_TAG));
}

const named = (asked: readonly string[], sign: string): string[] =>
  asked.flatMap((tag) => (tag.startsWith(sign) && tag.length > 1 ? [tag.slice(1)] : []));
