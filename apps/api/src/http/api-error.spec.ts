import { describe, expect, it } from '@jest/globals';
import { storageError } from './api-error.js';

describe('an error of Redis', () => {
  it.each([
    "OOM command not allowed when used memory > 'maxmemory'.",
    'NOREPLICAS Not enough good replicas to write.',
    'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.',
    'CLUSTERDOWN The cluster is down',
    'Too many Cluster redirections. Last error: Error: Connection is closed.',
    'None of startup nodes is available',
    "Cluster isn't ready and enableOfflineQueue options is false",
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'TRYAGAIN Multiple keys request during rehashing of slot',
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    "Stream isn't writeable and enableOfflineQueue options is false",
  ])('is a 503 for callers: %s', (message) => {
    const code = message.startsWith('OOM') ? 'storage_full' : 'storage_unavailable';
    expect(storageError(new Error(message))?.error.code).toBe(code);
  });

  it.each(['BUSYGROUP Consumer Group name already exists', 'WRONGTYPE Operation against a key', 'a BUSY line'])(
    'is a surprise: %s',
    (message) => {
      expect(storageError(new Error(message))).toBeUndefined();
    },
  );
});
