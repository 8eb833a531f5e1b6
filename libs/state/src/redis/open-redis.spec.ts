import { expect, it } from '@jest/globals';
import { clusterNodes, retryDelayMs } from './open-redis.js';

it('tries again after 50 ms, and at the slowest each 2 s', () => {
  expect([1, 2, 3, 6, 7, 100].map(retryDelayMs)).toEqual([50, 100, 200, 1_600, 2_000, 2_000]);
});

it('reads the nodes of a cluster from one URL', () => {
  expect(clusterNodes('redis://h:1')).toBeUndefined();
  expect(clusterNodes('redis-cluster://a:7000,b:7001')).toEqual({
    hosts: [
      { host: 'a', port: 7000 },
      { host: 'b', port: 7001 },
    ],
    secure: false,
  });
  expect(clusterNodes('rediss-cluster://u:p%40@a')).toEqual({
    hosts: [{ host: 'a', port: 6379 }],
    secure: true,
    username: 'u',
    password: 'p@',
  });
});
