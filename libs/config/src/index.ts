export { ConfigError, lineOf } from './config-error.js';
export { formatReport } from './format-report.js';
export { checkSettings, findConfigFile, loadSettings, type LoadInput } from './load-settings.js';
export { knownChatModels } from './model-map/model-map.js';
export { readConfig, type Config, type ConfigSource } from './read-config.js';
export { changedSettings, type ChangedSettings } from './reload/changed-settings.js';
export { ConfigReloader, type RejectedConfig } from './reload/config-reloader.js';
export type { Report, ReportRow } from './report.js';
export { WORKER_ROLES, type Settings, type WorkerRole } from './settings.js';
