#!lua flags=allow-oom
-- Takes the first free of a group's deployments, or says of each why not and until when.
--
-- For each candidate i, in the order of preference, tiers ascending:
-- KEYS[3i-2]  {sluice:<group>}:dep:<id>         hash: cool, coolWhy (cooling until); open, openWhy, openedAt, out (breaker),
--                                               trips (openings in a row), fails (in a row), probe (lease id), probedAt,
--                                               word (see limit-word.lua)
-- KEYS[3i-1]  {sluice:<group>}:dep:<id>:slots   sorted set: lease id -> expiry
-- KEYS[3i]    {sluice:<group>}:dep:<id>:use     hash: from (first second of the window), requests, tokens (its totals),
--                                               r<second>, t<second>
-- ARGV[1]     lease id
-- ARGV[2]     lease time in ms
-- ARGV[3]     tokens to reserve
-- ARGV[4]     in-order | least-busy | least-used
-- ARGV[5]     ms after which each may be probed early when all are open or cooling; 0: not
-- ARGV[6]     now in ms, for tests; empty: Redis TIME
-- ARGV[3+4i] .. ARGV[6+4i]  order, rpm, tpm, maxParallel of candidate i; 0: no limit
-- Returns     {1, i, is probe (0|1), in flight, now, the provider's word is in force (0|1)} when taken,
--             {0, now, verdict 1, until 1, verdict 2, until 2, …} when not; until 0: when another call ends
-- Time        Unix ms by Redis TIME; buckets of 1 s
--
-- A breaker is open while `open` is above 0; once that time is past it is half-open: one call at a time, the probe, goes
-- through, until one succeeds. The probe is as alive as its lease. Members of :slots stay for ten minutes after their
-- expiry, so that a late settle is told from a second one; only those that expire in future count.
-- Twin: libs/core/src/leases/take-lease.ts

local KEEP_EXPIRED_MS = 600000
local WINDOW_S = 61 -- 60 s and the running second, so that no 60 s hold more than the limit
local ARRIVAL_MS = 500 -- that a call may be on its way to the provider longer than a later one

local leaseId, strategy = ARGV[1], ARGV[4]
local leaseMs, tokens, probeEvery = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
local now = tonumber(ARGV[6])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local second = math.floor(now / 1000)
local first = math.floor((now - ARRIVAL_MS) / 1000) - WINDOW_S + 1

local function bucketNames(from, to)
  local names = {}
  for s = from, to do
    names[#names + 1] = 'r' .. s
    names[#names + 1] = 't' .. s
  end
  return names
end

-- Reads the totals of the minute that ends now; seconds that have left it are taken off.
local function readUse(c)
  local use = redis.call('HMGET', c.useKey, 'from', 'requests', 'tokens', 'r' .. second, 't' .. second)
  local from = tonumber(use[1])
  c.from, c.requests, c.used = first, 0, 0
  c.bucketRequests, c.bucketTokens = 0, 0
  if not from then
    return
  end
  if first - from > WINDOW_S or second < from then -- all gone, or the clock went back by a minute
    redis.call('DEL', c.useKey)
    return
  end
  c.from, c.requests, c.used = from, tonumber(use[2]), tonumber(use[3])
  c.bucketRequests, c.bucketTokens = tonumber(use[4]) or 0, tonumber(use[5]) or 0
  if first > from then
    local names = bucketNames(from, first - 1)
    local gone = redis.call('HMGET', c.useKey, unpack(names))
    for k = 1, #gone, 2 do
      c.requests = c.requests - (tonumber(gone[k]) or 0)
      c.used = c.used - (tonumber(gone[k + 1]) or 0)
    end
    redis.call('HDEL', c.useKey, unpack(names))
    redis.call('HSET', c.useKey, 'from', first, 'requests', c.requests, 'tokens', c.used)
    c.from = first
  end
end

-- An estimate above the whole limit goes through an empty minute: else it would wait for ever.
local function tokensFit(c, used)
  return c.tpm == 0 or used + tokens <= c.tpm or used <= 0
end

local function countInFlight(c)
  if not c.inFlight then
    c.inFlight = redis.call('ZCOUNT', c.slotsKey, '(' .. string.format('%.0f', now), '+inf')
  end
  return c.inFlight
end

-- What is still in force of the provider's word.
local function keepWord(c, text)
  local word = readWord(text)
  if word.requestsUntil > now or word.tokensUntil > now then
    c.word = word
  else
    redis.call('HDEL', c.depKey, 'word')
  end
end

-- Why a candidate has no room; nil when it has.
local function fullness(c)
  if c.maxParallel > 0 and countInFlight(c) >= c.maxParallel then
    return 'parallel'
  end
  if c.word then
    if c.word.requestsUntil > now and c.word.requests < 1 then
      c.roomAt = c.word.requestsUntil
      return 'rpm'
    end
    if c.word.tokensUntil > now and c.word.tokens < tokens then
      c.roomAt = c.word.tokensUntil
      return 'tpm'
    end
  end
  if c.rpm > 0 or c.tpm > 0 then
    readUse(c)
    if c.rpm > 0 and c.requests >= c.rpm then
      return 'rpm'
    end
    if not tokensFit(c, c.used) then
      return 'tpm'
    end
  end
  return nil
end

local function inspect(i)
  local a = 3 + 4 * i
  local c = { index = i, depKey = KEYS[3 * i - 2], slotsKey = KEYS[3 * i - 1], useKey = KEYS[3 * i] }
  c.rpm, c.tpm, c.maxParallel = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])

  local state = redis.call('HMGET', c.depKey, 'cool', 'open', 'probe', 'openedAt', 'probedAt', 'out', 'word')
  c.cool, c.open = tonumber(state[1]) or 0, tonumber(state[2]) or 0
  c.probeAgainAt = math.max(tonumber(state[4]) or 0, tonumber(state[5]) or 0) + probeEvery
  c.mayProbeEarly = probeEvery > 0 and not state[6]
  if state[7] then
    keepWord(c, state[7])
  end

  if c.cool > now then
    c.verdict = 'cooling'
  elseif c.open > 0 and state[3] and (tonumber(redis.call('ZSCORE', c.slotsKey, state[3])) or 0) > now then
    c.verdict = 'probing'
  elseif c.open > now then
    c.verdict = 'breaker_open'
  else
    c.verdict = fullness(c)
  end
  return c
end

-- least-used: which limit the shares are of, and the mean, which stands for one that is missing. None: tokens are compared.
local limitAt, meanLimit = nil, nil
if strategy == 'least-used' then
  for _, at in ipairs({ 2, 1 }) do
    local sum, known = 0, 0
    for i = 1, #KEYS / 3 do
      local limit = tonumber(ARGV[3 + 4 * i + at])
      if limit > 0 then
        sum, known = sum + limit, known + 1
      end
    end
    if known > 0 then
      limitAt, meanLimit = at, sum / known
      break
    end
  end
end

local function usedShare(c)
  if not c.from then
    readUse(c)
  end
  if not limitAt then
    return c.used
  end
  local limit = limitAt == 2 and c.tpm or c.rpm
  return (limitAt == 2 and c.used or c.requests) / (limit > 0 and limit or meanLimit)
end

local function weightOf(c)
  if not c.weight then
    c.weight = strategy == 'least-used' and usedShare(c) or countInFlight(c)
  end
  return c.weight
end

local function take(c)
  local inFlight = countInFlight(c) + 1
  redis.call('ZADD', c.slotsKey, now + leaseMs, leaseId)
  redis.call('PEXPIRE', c.slotsKey, leaseMs + KEEP_EXPIRED_MS)
  if c.rpm > 0 or c.tpm > 0 or strategy == 'least-used' then
    if not c.from then
      readUse(c)
    end
    redis.call('HSET', c.useKey, 'from', c.from, 'requests', c.requests + 1, 'tokens', c.used + tokens,
      'r' .. second, c.bucketRequests + 1, 't' .. second, c.bucketTokens + tokens)
    redis.call('PEXPIRE', c.useKey, (WINDOW_S + 2) * 1000)
  end
  if c.word then
    c.word.requests, c.word.tokens = c.word.requests - 1, c.word.tokens - tokens
    redis.call('HSET', c.depKey, 'word', wordText(c.word))
  end
  if c.open > 0 then
    redis.call('HSET', c.depKey, 'probe', leaseId, 'probedAt', string.format('%.0f', now))
  end
  return { 1, c.index, c.open > 0 and 1 or 0, inFlight, now, c.word and 1 or 0 }
end

-- When enough of the minute will have gone by.
local function roomAt(c)
  local names = bucketNames(c.from, second)
  local buckets = redis.call('HMGET', c.useKey, unpack(names))
  local requests, used = c.requests, c.used
  for k = 1, #buckets, 2 do
    requests = requests - (tonumber(buckets[k]) or 0)
    used = used - (tonumber(buckets[k + 1]) or 0)
    if (c.rpm == 0 or requests < c.rpm) and tokensFit(c, used) then
      return (c.from + (k - 1) / 2 + WINDOW_S) * 1000 + ARRIVAL_MS
    end
  end
  return (second + WINDOW_S) * 1000 + ARRIVAL_MS
end

local candidates, chosen = {}, nil
local count = #KEYS / 3
for i = 1, count do
  local order = ARGV[3 + 4 * i]
  if chosen and order ~= chosen.order then
    break
  end
  local c = inspect(i)
  c.order = order
  candidates[i] = c
  if not c.verdict then
    if strategy == 'in-order' then
      return take(c)
    end
    if not chosen or weightOf(c) < weightOf(chosen) then
      chosen = c
    end
  end
end
if chosen then
  return take(chosen)
end

local allShut = true
for i = 1, count do
  allShut = allShut and (candidates[i].open > 0 or candidates[i].verdict == 'cooling')
end
if allShut and probeEvery > 0 then
  for i = 1, count do
    local c = candidates[i]
    if c.verdict == 'breaker_open' and c.mayProbeEarly and c.probeAgainAt <= now then
      local full = fullness(c)
      if not full then
        return take(c)
      end
      c.verdict = full
    end
  end
end

local refused = { 0, now }
for i = 1, count do
  local c = candidates[i]
  local untilMs = 0
  if c.verdict == 'cooling' or c.verdict == 'breaker_open' then
    local open = c.open
    if allShut and c.mayProbeEarly then
      open = math.min(open, c.probeAgainAt)
    end
    untilMs = math.max(c.cool, open)
  elseif c.verdict == 'rpm' or c.verdict == 'tpm' then
    -- What is under way may give tokens back, or was counted already by the provider when it gave its word.
    local mayGiveBack = (c.verdict == 'tpm' or c.roomAt) and countInFlight(c) > 0
    untilMs = mayGiveBack and 0 or c.roomAt or roomAt(c)
  end
  refused[#refused + 1] = c.verdict
  refused[#refused + 1] = untilMs
end
return refused
