import { Controller, Get } from '@nestjs/common';
import type { Report, ReportRow } from '@sluice/config';
import { LiveSettings } from '../live-settings.js';
import { Management } from './open-route.js';

interface ConfigView {
  /** The same in every process that runs on the same configuration. */
  hash: string;
  loaded_at: number;
  report: Report;
  /** The last configuration that was read and not taken, since the one in force; null: none. */
  rejected: { at: number; errors: readonly ReportRow[] } | null;
}

/** What is in force, and whether the file says something else by now. Rows hold types and places, never a value. */
@Controller('v1/config')
export class ConfigController {
  constructor(private readonly live: LiveSettings) {}

  @Management()
  @Get()
  view(): ConfigView {
    const { settings, rejected } = this.live;
    return {
      hash: settings.hash,
      loaded_at: unixSeconds(settings.loadedAtMs),
      report: settings.report,
      rejected: rejected === undefined ? null : { at: unixSeconds(rejected.atMs), errors: rejected.errors },
    };
  }
}

const unixSeconds = (ms: number): number => Math.floor(ms / 1_000);
