#!lua flags=allow-oom
-- Starts a run of a job: raises the epoch, so that whatever an earlier run still writes is refused.
--
-- KEYS[1]  {sluice:<group>}:job:<id>               hash, the job record
-- KEYS[2]  {sluice:<group>}:due                    sorted set
-- KEYS[3]  {sluice:<group>}:fed                    sorted set; where suspects run, {sluice:<group>}:suspects
-- KEYS[4]  {sluice:<group>}:backlog                sorted set
-- KEYS[5]  {sluice:<group>}:inference:<id>-<n>:lock  BullMQ's own key: token of the run that holds its job; where suspects
--          run, of their queue
-- ARGV[1]  job id
-- ARGV[2]  worker id
-- ARGV[3]  ms after its deadline when a job that still runs is ended from outside
-- ARGV[4]  n of its BullMQ job, <id>-<n>
-- ARGV[5]  BullMQ's token of this run; several runs, one after the other, may have the same
-- ARGV[6]  id of this run and no other
-- ARGV[7]  crashes from which a job is not begun but isolated (isolate-job.lua); '': never; 'here': this is where suspects
--          run, and who sees their process die counts (count-suspect-crash.lua)
-- Returns  {'gone'} no record · {'over'} terminal already, or not this run's to begin · {'suspect'} isolate it ·
--          {'begun', epoch, crashes, now, seq, cancelled 0|1, 1 when jobs wait in the backlog, request, job, progress}
-- Time     Redis TIME, ms
--
-- A record that is `running` under an older epoch lost its worker: that is a crash. A hand-back sets `queued` first. So that
-- nothing else is taken for a crash, and no run that is well is made stale, a run must hold the lock of its BullMQ job (a
-- worker may wake up after its job was taken for lost and given to another), and its number must be the record's (an older
-- one may be added late by a feeder that was frozen, or be restarted although its job was given back; a job in the backlog
-- has the number that it will be fed under).
--
-- Safe to repeat: the same run begins once.

local record = redis.call('HMGET', KEYS[1], 'state', 'request', 'job', 'progress', 'seq', 'cancel', 'startedAt', 'deadline',
  'fed', 'epoch', 'run', 'crashes')
local state = record[1]
if not state then return { 'gone' } end
if state ~= 'queued' and state ~= 'running' then return { 'over' } end

if ARGV[4] ~= record[9] or redis.call('GET', KEYS[5]) ~= ARGV[5] then return { 'over' } end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = tonumber(record[10] or 0)
local crashes = tonumber(record[12] or 0)
if state == 'queued' or record[11] ~= ARGV[6] then
  local isCrash = state == 'running' and ARGV[7] ~= 'here'
  local suspectFrom = tonumber(ARGV[7])
  if isCrash and suspectFrom and crashes + 1 >= suspectFrom and not record[6] and tonumber(record[8]) > now then
    return { 'suspect' }
  end
  epoch = epoch + 1
  redis.call('HSET', KEYS[1], 'state', 'running', 'worker', ARGV[2], 'run', ARGV[6], 'epoch', epoch,
    'startedAt', record[7] or string.format('%.0f', now))
  if isCrash then crashes = redis.call('HINCRBY', KEYS[1], 'crashes', 1) end
  if state == 'queued' then redis.call('ZREM', KEYS[3], ARGV[1]) end
  -- The net below every other: whatever becomes of its workers, it has an outcome soon after its deadline.
  redis.call('ZADD', KEYS[2], string.format('%.0f', tonumber(record[8] or 0) + ARGV[3]), ARGV[1])
end
return { 'begun', epoch, crashes, now, tonumber(record[5] or 0), record[6] and 1 or 0, redis.call('EXISTS', KEYS[4]),
  record[2], record[3], record[4] or '' }
