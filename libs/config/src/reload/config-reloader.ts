import { setTimeout as pause } from 'node:timers/promises';
import { ConfigError, rowWithoutPlace } from '../config-error.js';
import { loadSettings, type LoadInput } from '../load-settings.js';
import type { ReportRow } from '../report.js';
import type { Settings } from '../settings.js';
import { FileWatch } from './watch-files.js';

/** A configuration that was read and not taken: the one before it stays in force. */
export interface RejectedConfig {
  /** Unix ms. */
  readonly atMs: number;
  /** Errors, and what blocks. Never a value. */
  readonly errors: readonly ReportRow[];
}

export interface ReloadListener {
  /** Puts them in force. Tried again each second while it throws and nothing newer has come. */
  apply: (settings: Settings, before: Settings) => Promise<void>;
  reject: (rejected: RejectedConfig) => void;
  /** `apply` threw, or the reading of files, which never does. */
  onError: (error: Error) => void;
}

const AGAIN_MS = 1_000;

/**
 * Keeps a running process on its configuration: reads it when its files change, and when told to (SIGHUP), and hands over
 * settings that were checked whole, or says why not. They are applied one after the other, in the order of reading.
 */
export class ConfigReloader {
  private readonly watch: FileWatch;
  private readonly stopped = new AbortController();
  private paths: readonly string[];
  private newest: Settings;
  private isRejected = false;
  private applying: Promise<void> = Promise.resolve();

  /** @param inForce what the process was started with, from the same input */
  constructor(
    private readonly input: LoadInput,
    private inForce: Settings,
    private readonly listener: ReloadListener,
  ) {
    this.newest = inForce;
    this.paths = inForce.configPaths;
    this.watch = new FileWatch(
      () => this.paths,
      () => void this.reload('changed'),
    );
  }

  start(): void {
    this.watch.start();
  }

  stop(): void {
    this.stopped.abort();
    this.watch.stop();
  }

  /**
   * Reads the configuration now. Resolves when it is in force or rejected.
   * @param why `changed`: nothing is done when it reads as before
   */
  reload(why: 'told' | 'changed'): Promise<void> {
    const read = this.read();
    if (read.kind === 'rejected') {
      this.isRejected = true;
      this.listener.reject({ atMs: Date.now(), errors: read.errors });
      return this.applying;
    }
    const { settings } = read;
    if (why === 'changed' && settings.hash === this.newest.hash && !this.isRejected) return this.applying;
    this.isRejected = false;
    this.newest = settings;
    this.applying = this.applying.then(() => this.apply(settings));
    return this.applying;
  }

  private read(): { kind: 'read'; settings: Settings } | { kind: 'rejected'; errors: readonly ReportRow[] } {
    try {
      // The file of the start: without it another one might be found, or none, which reads as a configuration without models.
      const args = { ...this.input.args, config: this.inForce.configFile };
      const settings = loadSettings({ ...this.input, args, isReload: true });
      this.paths = settings.configPaths;
      if (this.inForce.masterKey !== undefined && settings.masterKey === undefined)
        return { kind: 'rejected', errors: [OPENED] };
      return { kind: 'read', settings };
    } catch (error) {
      if (!(error instanceof ConfigError)) {
        this.listener.onError(error as Error);
        return { kind: 'rejected', errors: [BROKEN] };
      }
      if (error.paths.length > 0) this.paths = error.paths;
      const { errors, unsupported } = error.report;
      return { kind: 'rejected', errors: [...errors, ...unsupported.filter((row) => row.blocking)] };
    }
  }

  private async apply(settings: Settings): Promise<void> {
    while (settings === this.newest && !this.stopped.signal.aborted) {
      try {
        await this.listener.apply(settings, this.inForce);
        this.inForce = settings;
        return;
      } catch (error) {
        this.listener.onError(error as Error);
        await pause(AGAIN_MS, undefined, { signal: this.stopped.signal, ref: false }).catch(() => undefined);
      }
    }
  }
}

/** A file that was cut off while it was written reads as one without a key, and would open the gateway to everybody. */
const OPENED = rowWithoutPlace(
  'general_settings.master_key',
  'The master key is gone, and a reload does not open a running gateway to everybody: restart it to go on without a key.',
);

const BROKEN = rowWithoutPlace('', 'Sluice failed while it read the configuration. It is logged with its cause.');
