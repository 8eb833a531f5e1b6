#!lua flags=allow-oom
-- Frees what is heavy in records of lines whose results are written elsewhere. What stays says that the job is over: whoever
-- accepts the same line again, late, meets it.
--
-- KEYS[…]  {sluice:<group>}:job:<id>    hashes, job records of one group
-- ARGV[1]  ms that the rest is kept
-- Returns  nothing
-- Time     none
--
-- Safe to repeat.

for _, key in ipairs(KEYS) do
  if redis.call('EXISTS', key) == 1 then
    redis.call('HDEL', key, 'request', 'asked', 'job', 'result', 'outcome', 'durable', 'progress')
    redis.call('PEXPIRE', key, ARGV[1])
  end
end
