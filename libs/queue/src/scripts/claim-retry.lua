#!lua flags=allow-oom
-- Says as which job a job that is over is tried again, before that one is accepted: two who retry make one job.
--
-- KEYS[1]  {sluice:<group>}:job:<id>    hash, the job record; retriedAs: id of the other, when it was claimed (Unix ms)
-- ARGV[1]  'claim' | 'release': the other was refused
-- ARGV[2]  id of the other
-- ARGV[3]  retriedAs as it stood before, '' when there was nothing
-- Returns  'done' | 'unfinished' it is not over | 'taken' something else stands there | 'gone' no record (any more)
-- Time     Redis TIME, ms
--
-- Safe to repeat.

local record = redis.call('HMGET', KEYS[1], 'outcome', 'retriedAs', 'state')
if not record[3] then return 'gone' end
if not record[1] then return (record[3] == 'queued' or record[3] == 'running') and 'unfinished' or 'gone' end -- freed
local stands = record[2] or ''
local is_mine = string.match(stands, '^%S*') == ARGV[2]
if ARGV[1] == 'release' then
  if is_mine then redis.call('HSET', KEYS[1], 'retriedAs', ARGV[3]) end
  return 'done'
end
if is_mine then return 'done' end
if stands ~= ARGV[3] then return 'taken' end
local time = redis.call('TIME')
redis.call('HSET', KEYS[1], 'retriedAs', ARGV[2] .. ' ' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000)))
return 'done'
