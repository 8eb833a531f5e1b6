/**
 * Small checks that turn untrusted JSON into values, or say which member is wrong. A check gets a value and where it
 * stands (`rules[0].do.kind`); it returns the value as the simulator uses it, or throws a ScriptError.
 */
export type Check<T> = (value: unknown, at: string) => T;

/** A script that cannot be used: which member, and what was expected there. Becomes a 400, or ends the start. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError';

  constructor(
    /** `rules[0].do.kind`; empty for the script as a whole. */
    readonly member: string,
    sentence: string,
  ) {
    super(sentence);
  }
}

const SHOWN_CHARACTERS = 60;

export function mustBe(at: string, expected: string, value: unknown): ScriptError {
  const shown = value === undefined ? 'absent' : (JSON.stringify(value)?.slice(0, SHOWN_CHARACTERS) ?? typeof value);
  return new ScriptError(at, `${at || 'the script'} must be ${expected}, but is ${shown}.`);
}

/** A finite number from `min` to `max`. */
export const number =
  (min: number, max = Number.MAX_SAFE_INTEGER): Check<number> =>
  (value, at) => {
    if (typeof value === 'number' && value >= min && value <= max) return value;
    throw mustBe(at, `a number ${range(min, max)}`, value);
  };

export const whole =
  (min: number, max = Number.MAX_SAFE_INTEGER): Check<number> =>
  (value, at) => {
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number;
    throw mustBe(at, `a whole number ${range(min, max)}`, value);
  };

const range = (min: number, max: number): string =>
  max === Number.MAX_SAFE_INTEGER ? `from ${min} up` : `from ${min} to ${max}`;

export const text: Check<string> = (value, at) => {
  if (typeof value === 'string') return value;
  throw mustBe(at, 'a string', value);
};

export const flag: Check<boolean> = (value, at) => {
  if (typeof value === 'boolean') return value;
  throw mustBe(at, 'true or false', value);
};

export const oneOf =
  <T extends string>(...values: readonly T[]): Check<T> =>
  (value, at) => {
    if (values.includes(value as T)) return value as T;
    throw mustBe(at, `one of ${values.join(', ')}`, value);
  };

/** null and absence both mean "not set": null is how PATCH takes a member away. */
export const orNull =
  <T>(check: Check<T>): Check<T | null> =>
  (value, at) =>
    value === null || value === undefined ? null : check(value, at);

export const withDefault =
  <T>(fallback: T, check: Check<T>): Check<T> =>
  (value, at) =>
    value === null || value === undefined ? fallback : check(value, at);

export const list =
  <T>(check: Check<T>): Check<T[]> =>
  (value, at) => {
    if (!Array.isArray(value)) throw mustBe(at, 'an array', value);
    return value.map((entry, i) => check(entry, `${at}[${i}]`));
  };

export const nonEmptyList =
  <T>(check: Check<T>): Check<T[]> =>
  (value, at) => {
    if (Array.isArray(value) && value.length > 0) return list(check)(value, at);
    throw mustBe(at, 'an array with at least one entry', value);
  };

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

type Shape = Record<string, Check<unknown>>;
type Shaped<S extends Shape> = { [Member in keyof S]: ReturnType<S[Member]> };

/** An object with these members and no others: a misspelt member is an error and not a fault that never happens. */
export const object = <S extends Shape>(members: S): Check<Shaped<S>> => {
  const names = Object.keys(members);
  return (value, at) => {
    if (!isObject(value)) throw mustBe(at, 'an object', value);
    const stranger = Object.keys(value).find((name) => !Object.hasOwn(members, name));
    if (stranger !== undefined) {
      const where = at === '' ? 'the script' : at;
      throw new ScriptError(
        under(at, stranger),
        `${under(at, stranger)} is unknown: ${where} takes ${names.join(', ')}.`,
      );
    }
    const checked: Record<string, unknown> = {};
    for (const name of names) checked[name] = members[name]!(value[name], under(at, name));
    return checked as Shaped<S>;
  };
};

/** Like `object`, but what is absent stays absent: for faults, where naming a member is what switches it on. */
export const sparse = <S extends Shape>(members: S): Check<Partial<Shaped<S>>> => {
  const known = object(Object.fromEntries(Object.keys(members).map((name) => [name, orNull(members[name]!)])));
  return (value, at) => {
    const all = known(value, at);
    return Object.fromEntries(Object.entries(all).filter(([, member]) => member !== null)) as Partial<Shaped<S>>;
  };
};

const under = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`);
