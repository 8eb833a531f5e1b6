import { CallStats, Profile, type Stats } from './profile.js';
import { RequestLog } from './request-log.js';
import { mustBe, isObject } from './script/checks.js';
import { type CountedRule, counted } from './script/choose-fault.js';
import type { TravellingRule } from './script/one-call.js';
import { patched, readScript, type Script } from './script/script.js';

const MOST_TRAVELLING_RULES = 10_000;

/** All that a simulator remembers: scripts as they were given, profiles with their counts, and the log. */
export class World {
  readonly log = new RequestLog();
  readonly stats = new CallStats();
  private script: unknown;
  private readonly scripts = new Map<string, unknown>();
  private readonly profiles = new Map<string, Profile>();
  private readonly unnamed: Profile;
  /** Header and suffix texts and what became of them, wherever they were sent. */
  private readonly travelling = new Map<string, CountedRule>();
  private resetAtMs = performance.now();
  private lastN = 0;

  /** @throws ScriptError */
  constructor(
    script: unknown,
    private readonly seed: number | undefined,
  ) {
    this.script = script ?? {};
    this.unnamed = new Profile(null, this.read(this.script));
  }

  /** @throws ScriptError; then nothing has changed. */
  setScript(script: unknown): void {
    const read = this.read(script);
    const profiles = [...this.profiles.values()].map((profile) => {
      const own = this.scripts.get(profile.name ?? '');
      return { profile, script: own === undefined ? read : this.read(over(script, own)) };
    });
    this.script = script ?? {};
    this.unnamed.use(read);
    for (const { profile, script: merged } of profiles) profile.use(merged);
  }

  /** @throws ScriptError */
  patchScript(patch: unknown): void {
    if (!isObject(patch)) throw mustBe('', 'an object', patch);
    this.setScript(patched(this.script, patch));
  }

  /** Members that the profile does not have come from the script; counts are the profile's own. @throws ScriptError */
  setProfile(name: string, script: unknown): void {
    const read = this.read(over(this.script, script));
    this.scripts.set(name, script ?? {});
    const profile = this.profiles.get(name);
    if (profile === undefined) this.profiles.set(name, new Profile(name, read));
    else profile.use(read);
  }

  /** @throws ScriptError */
  patchProfile(name: string, patch: unknown): void {
    if (!isObject(patch)) throw mustBe('', 'an object', patch);
    this.setProfile(name, patched(this.scripts.get(name) ?? {}, patch));
  }

  /** From now on it plays the script. */
  dropProfile(name: string): void {
    this.scripts.delete(name);
    this.profiles.get(name)?.use(this.unnamed.script);
  }

  /** A name that nobody has set plays the script, with counts of its own. */
  profile(name: string | null): Profile {
    if (name === null) return this.unnamed;
    const known = this.profiles.get(name);
    if (known !== undefined) return known;
    const fresh = new Profile(name, this.unnamed.script);
    this.profiles.set(name, fresh);
    return fresh;
  }

  get profileNames(): string[] {
    return [...this.profiles.keys()];
  }

  countedTravelling({ text, rule }: TravellingRule): CountedRule {
    const known = this.travelling.get(text);
    if (known !== undefined) return known;
    const fresh = counted(rule);
    if (this.travelling.size >= MOST_TRAVELLING_RULES) {
      for (const oldest of this.travelling.keys()) {
        this.travelling.delete(oldest);
        break;
      }
    }
    this.travelling.set(text, fresh);
    return fresh;
  }

  nextN(): number {
    this.lastN += 1;
    return this.lastN;
  }

  /** Since start or reset. */
  elapsedMs(nowMs: number): number {
    return nowMs - this.resetAtMs;
  }

  /** Counters, windows, log, statistics and dice start over; scripts stay. */
  reset(): void {
    this.resetAtMs = performance.now();
    this.lastN = 0;
    this.log.clear();
    this.stats.reset();
    this.travelling.clear();
    this.unnamed.reset();
    for (const profile of this.profiles.values()) profile.reset();
  }

  allStats(): Stats & { profiles: Record<string, Stats> } {
    const profiles = [...this.profiles].map(([name, profile]) => [name, profile.stats.snapshot()] as const);
    return { ...this.stats.snapshot(), profiles: Object.fromEntries(profiles) };
  }

  private read(script: unknown): Script {
    const seeded = this.seed !== undefined && isObject(script) ? { seed: this.seed, ...script } : script;
    return readScript(seeded);
  }
}

/** The profile's members over the script's, each as a whole. */
function over(script: unknown, profile: unknown): unknown {
  if (!isObject(profile)) return profile ?? script;
  return isObject(script) ? { ...script, ...profile } : profile;
}
