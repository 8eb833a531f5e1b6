// Loaded into a process under test (NODE_OPTIONS=--import): writes how long its event loop stood still to the file
// <pid>.json in the folder SLUICE_LOOP_LAG; counted anew from each SIGUSR2 on.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const folder = process.env.SLUICE_LOOP_LAG;
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();
process.on('SIGUSR2', () => histogram.reset());

const msOver = (ns) => Math.max(0, Math.round(ns / 1e6 - RESOLUTION_MS));
setInterval(() => {
  const lag = { p99: msOver(histogram.percentile(99)), max: msOver(histogram.max), samples: histogram.count };
  const file = join(folder, `${process.pid}.json`);
  writeFileSync(`${file}.new`, JSON.stringify(lag)); // whoever reads finds a whole one
  renameSync(`${file}.new`, file);
}, 100).unref();
