-- Not a script: it stands before those that put jobs into the lines of a backlog or take one out. Who is next, and why:
-- libs/core/src/job/lines.ts.
--
-- {sluice:<group>}:backlog       sorted set: line that waits -> virtual start of its first job
-- {sluice:<group>}:line:<line>   sorted set: job id -> order of its arrival, µs; a line is <weight>:<tenant>
-- {sluice:<group>}:idle          sorted set: line where nobody waits -> virtual start of its next job
-- {sluice:<group>}:tenants       hash: jobs:<tenant>, bytes:<tenant> that wait
-- {sluice:<group>}:pace          hash: clock; jobs, bytes that wait; and what else says how fast a group goes
-- {sluice:<group>}:starts        hash: span of a second -> jobs that left the backlog and did not come back
-- `0 - n` and not `-n`: Redis does not take -0 for a whole number. Virtual starts are written with 17 digits: Lua's own 14 would round them.

local function step_of(line) return 1 / tonumber(string.match(line, '^[^:]+')) end
-- place: order of arrival and line, as the record has them
local function line_of(place) return string.match(place, ' (.*)$') end
local function tenant_of(line) return string.match(line, ':(.*)$') end

local function count_out(prefix, line, jobs, bytes)
  local tenant = tenant_of(line)
  if redis.call('HINCRBY', prefix .. 'pace', 'jobs', 0 - jobs) <= 0 then
    redis.call('HDEL', prefix .. 'pace', 'jobs', 'bytes', 'clock')
    redis.call('DEL', prefix .. 'idle', prefix .. 'tenants')
    return
  end
  redis.call('HINCRBY', prefix .. 'pace', 'bytes', 0 - bytes)
  if redis.call('HINCRBY', prefix .. 'tenants', 'jobs:' .. tenant, 0 - jobs) <= 0 then
    redis.call('HDEL', prefix .. 'tenants', 'jobs:' .. tenant, 'bytes:' .. tenant)
  else
    redis.call('HINCRBY', prefix .. 'tenants', 'bytes:' .. tenant, 0 - bytes)
  end
end

-- prefix {sluice:<group>}: · order as text · was_fed: its place was paid for, and is given back
local function join_line(prefix, line, id, order, bytes, was_fed)
  local start = redis.call('ZSCORE', prefix .. 'backlog', line)
  local new = not start
  if new then
    local clock = tonumber(redis.call('HGET', prefix .. 'pace', 'clock') or 0)
    start = math.max(clock, tonumber(redis.call('ZSCORE', prefix .. 'idle', line) or clock))
    redis.call('ZREM', prefix .. 'idle', line)
  end
  if was_fed then start = start - step_of(line) end
  if new or was_fed then redis.call('ZADD', prefix .. 'backlog', string.format('%.17g', start), line) end
  redis.call('ZADD', prefix .. 'line:' .. line, order, id)
  redis.call('HINCRBY', prefix .. 'pace', 'jobs', 1)
  redis.call('HINCRBY', prefix .. 'pace', 'bytes', bytes)
  redis.call('HINCRBY', prefix .. 'tenants', 'jobs:' .. tenant_of(line), 1)
  redis.call('HINCRBY', prefix .. 'tenants', 'bytes:' .. tenant_of(line), bytes)
end

-- many below 0: so many came back
local function count_starts(prefix, many, now)
  local span = math.floor(now / 1000)
  if redis.call('HINCRBY', prefix .. 'starts', span, many) ~= many then return end
  for _, old in ipairs(redis.call('HKEYS', prefix .. 'starts')) do
    if tonumber(old) <= span - 60 then redis.call('HDEL', prefix .. 'starts', old) end
  end
  redis.call('PEXPIRE', prefix .. 'starts', 65000)
end

local function shut_line(prefix, line, start, clock)
  redis.call('ZREM', prefix .. 'backlog', line)
  if start > clock then redis.call('ZADD', prefix .. 'idle', string.format('%.17g', start), line) end
end

-- The record still has its request. Does nothing when the job does not wait.
local function leave_line(prefix, line, id)
  if redis.call('ZREM', prefix .. 'line:' .. line, id) == 0 then return end
  if redis.call('EXISTS', prefix .. 'line:' .. line) == 0 then
    local start = redis.call('ZSCORE', prefix .. 'backlog', line)
    shut_line(prefix, line, tonumber(start), tonumber(redis.call('HGET', prefix .. 'pace', 'clock') or 0))
  end
  count_out(prefix, line, 1, redis.call('HSTRLEN', prefix .. 'job:' .. id, 'request'))
end

