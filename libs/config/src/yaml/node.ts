/**
 * A configuration file as a tree in which everything still knows where it was written. Values are what PyYAML would have
 * made of them; `os.environ/NAME` is a string until `resolveReferences` has replaced it.
 */
export type YamlNode = YamlMap | YamlList | YamlScalar | YamlUnset;

/** Where something stands. The value of a map's entry shares its key's place, so one place is one row of the report. */
export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `model_list[0].litellm_params.api_key`; the file itself: empty. */
  readonly path: string;
}

export interface YamlMap {
  readonly kind: 'map';
  readonly place: Place;
  /** In the order of the file. */
  readonly entries: ReadonlyMap<string, YamlNode>;
  /** Values of keys that were written again further down: the last one wins. */
  readonly repeated: readonly YamlNode[];
}

export interface YamlList {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly YamlNode[];
}

export interface YamlScalar {
  readonly kind: 'scalar';
  readonly place: Place;
  readonly value: string | number | boolean | null;
  /** As written, without quotes: what a string setting means by `2024-10-21` or an unquoted `007`. */
  readonly text: string;
  /** Name of the environment variable that the value came from. */
  readonly variable?: string;
}

/** An `os.environ/NAME` whose variable is unset or empty. */
export interface YamlUnset {
  readonly kind: 'unset';
  readonly place: Place;
  readonly variable: string;
}

/** Type of a value in words, for reports: never the value, which may be a secret. */
export function typeOf(node: YamlNode): string {
  switch (node.kind) {
    case 'map':
      return 'map';
    case 'list':
      return 'list';
    case 'unset':
      return 'string';
    case 'scalar':
      return node.value === null ? 'nothing' : typeof node.value;
  }
}

/** The plain value, as a provider's body takes it. Unset variables are left out of maps and lists. */
export function plainValueOf(node: YamlNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'unset':
      return undefined;
    case 'list':
      return node.items.filter((item) => item.kind !== 'unset').map(plainValueOf);
    case 'map':
      return Object.fromEntries(
        [...node.entries]
          .filter(([, value]) => value.kind !== 'unset')
          .map(([key, value]) => [key, plainValueOf(value)]),
      );
  }
}

/** The nodes right below this one, repeated keys included. */
export function childrenOf(node: YamlNode): readonly YamlNode[] {
  if (node.kind === 'list') return node.items;
  return node.kind === 'map' ? [...node.entries.values(), ...node.repeated] : [];
}
