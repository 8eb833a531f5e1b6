-- Not a script: it stands before those that take a durable job in or end it. What that is: libs/wire/src/sluice/durable-job.ts.
--
-- {sluice:<group>}:ledger     stream: fields t j d, of what is over also s o f b a (LedgerFields)
-- {sluice:<group>}:delayed    sorted set: job id -> Unix ms before which it does not start
-- {sluice:<group>}:later      hash: jobs:<tenant>, bytes:<tenant> that are delayed; bytes of all
-- {sluice:<group>}:pace       hash: later, Unix ms: no delayed job may start before
-- channel sluice:ledger       told the group
--
-- prefix {sluice:<group>}: in all of them. Who reads the ledger trims it, and bounds it when others do not (tend-ledger.ts).
-- The bound here is for where no process has a role that reads it: it lies above that one, which tells of what is lost.

local function tell_ledger(prefix, ...)
  redis.call('XADD', prefix .. 'ledger', 'MAXLEN', '~', 1100000, '*', ...)
  redis.call('PUBLISH', 'sluice:ledger', string.match(prefix, '^{sluice:(.*)}:$'))
end

-- progress: as a run wrote it
local function attempts_of(progress) return string.match(progress or '', '"attempts":(%d+)') or '0' end

-- Notes the end of a durable job in its record and in the ledger. Begun, and nobody was asked: it has not started.
local function note_over(prefix, id, durable, state, outcome, started_at, attempts)
  local time = redis.call('TIME')
  local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('HSET', prefix .. 'job:' .. id, 'finishedAt', now, 'attempts', attempts)
  tell_ledger(prefix, 't', 'over', 'j', id, 'd', durable, 's', state, 'o', outcome, 'f', now,
    'b', tonumber(attempts) > 0 and started_at or '', 'a', attempts)
end

-- After an end, of a record that says what is kept for how long (`kept`: ms of the result, of the request, and of the request
-- of a dead letter). at_least: ms that record and stream are kept in any case; a result that is kept for less takes the
-- stream, which holds it too, with it. The progress of a job that no run ended stays: its attempts stand there alone.
local function keep(prefix, id, kept, state, at_least)
  local key, stream = prefix .. 'job:' .. id, prefix .. 'stream:' .. id
  local result, request, dead = string.match(kept, '^(%d+) (%d+) (%d+)$')
  result = tonumber(result)
  local asked = tonumber((state == 'failed' or state == 'expired') and dead or request)
  if asked == 0 then redis.call('HDEL', key, 'request', 'asked') end
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(result, asked, tonumber(at_least))))
  redis.call('PEXPIRE', stream, result > 0 and math.min(result, tonumber(at_least)) or at_least)
end

-- The bytes of all are those of the tenants, whatever became of a request meanwhile.
local function count_delayed(prefix, tenant, jobs, bytes)
  if redis.call('HINCRBY', prefix .. 'later', 'jobs:' .. tenant, jobs) <= 0 then
    bytes = 0 - (redis.call('HGET', prefix .. 'later', 'bytes:' .. tenant) or 0)
    redis.call('HDEL', prefix .. 'later', 'jobs:' .. tenant, 'bytes:' .. tenant)
  else
    redis.call('HINCRBY', prefix .. 'later', 'bytes:' .. tenant, bytes)
  end
  redis.call('HINCRBY', prefix .. 'later', 'bytes', bytes)
  if redis.call('EXISTS', prefix .. 'delayed') == 0 then redis.call('DEL', prefix .. 'later') end
end

local function delay(prefix, tenant, id, not_before, bytes)
  redis.call('ZADD', prefix .. 'delayed', not_before, id)
  count_delayed(prefix, tenant, 1, bytes)
  local first = redis.call('HGET', prefix .. 'pace', 'later')
  if not first or tonumber(first) > tonumber(not_before) then redis.call('HSET', prefix .. 'pace', 'later', not_before) end
end

-- The record still has its request. Does nothing when the job is not delayed.
local function leave_delayed(prefix, tenant, id)
  if redis.call('ZREM', prefix .. 'delayed', id) == 0 then return end
  count_delayed(prefix, tenant, -1, 0 - redis.call('HSTRLEN', prefix .. 'job:' .. id, 'request'))
end

-- Its delay is over: it joins its line.
local function let_in(prefix, id)
  local order, line = string.match(redis.call('HGET', prefix .. 'job:' .. id, 'place') or '', '^(%d+) (.*)$')
  if not order then -- whatever became of its record: it must not stop the group
    redis.call('ZREM', prefix .. 'delayed', id)
    return
  end
  leave_delayed(prefix, tenant_of(line), id)
  join_line(prefix, line, id, order, redis.call('HSTRLEN', prefix .. 'job:' .. id, 'request'), false)
end

