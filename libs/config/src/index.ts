export type { Report, ReportRow } from './report.js';
export type { Settings } from './settings.js';
