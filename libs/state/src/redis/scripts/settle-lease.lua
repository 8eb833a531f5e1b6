#!lua flags=allow-oom
-- Ends a lease, once: gives its slot back, corrects its tokens and applies what its call says about the deployment.
--
-- KEYS[1]   {sluice:<group>}:dep:<id>         hash, see take-lease.lua
-- KEYS[2]   {sluice:<group>}:dep:<id>:slots   sorted set: lease id -> expiry
-- KEYS[3]   {sluice:<group>}:dep:<id>:use     hash, see take-lease.lua
-- KEYS[4]   {sluice:<group>}:dep:<id>:fails   list: times of the last failures, newest first; those of a class that
--           allowed_fails_policy names: in the same key with `:<class>`
-- ARGV[1]   lease id
-- ARGV[2]   succeeded | failed | cools | out | neutral | unused
-- ARGV[3]   second at which it was taken; empty: its use is not counted
-- ARGV[4]   tokens to add to what was reserved; may be below 0
-- ARGV[5]   retry hint in ms, taken as 0..24 h since it may say anything; empty: none
-- ARGV[6]   reason, for people
-- ARGV[7]   1: the local circuit went open by this failure
-- ARGV[8]   allowed fails; empty: unset
-- ARGV[9]   cooldown in ms; empty: unset
-- ARGV[10]  1: neither cooldown nor breaker
-- ARGV[11]  class that this failure counts with; empty: all others
-- ARGV[12]  the provider's word on what it will still take: "requests until tokens until by", in Unix ms, until 0: no
--           word, by: when this lease was taken; `plenty <by>`: lifts an earlier one; `enough <by>`: nothing new, but that
--           it has counted this call; empty: it said nothing
-- ARGV[13]  tokens that were reserved
-- ARGV[14]  now in ms, for tests; empty: Redis TIME
-- For each note i, counted once like the rest:
-- KEYS[4+i]             {sluice:<group>}:dep:<id>:latency:<sort>            list: last samples in ms, newest first, or
--                       {sluice:<group>}:spend:<window's start>:<budget>    string: billionths of a dollar
-- ARGV[12+3i .. 14+3i]  sample: ms, how many are kept, ms until they are forgotten
--                       spend: amount, empty, Unix ms of the window's end (empty: none)
-- Returns   {closed | open | cooling, until, was the probe (0|1), opened | closed | cooled | nothing}
-- Publishes `open` or `closed`, a space and KEYS[1] on sluice:breakers, for the workers' own circuits
-- Time      Unix ms by Redis TIME
--
--            more failures than allowed, out                    time is over
--   closed ────────────────────────────────────────► open ───────────────────► half-open
--      ▲                                              ▲  probe failed              │ │
--      │                                              └────────────────────────────┘ │
--      └──────────────────────────── probe succeeded ────────────────────────────────┘
--
-- The lease id is the fence: a lease that ran out is still known for ten minutes, and its verdict counts; one that was
-- settled is not, and nothing happens. Calls that began before the breaker opened change nothing at an open one.
-- Twin: libs/core/src/leases/settle-lease.ts

local IN_A_ROW = 3
local FAILS_WINDOW_MS = 60000
local OUT_MS = 300000
local COOLDOWN_MS, LONGEST_COOLDOWN_MS = 5000, 15000
local LONGEST_HINT_MS = 86400000
local LONGEST_SAID_MS = 60000
local FORGET_MS = 3600000

local leaseId, outcome, reason = ARGV[1], ARGV[2], ARGV[6]
local retryAfter, allowedFails, cooldown = tonumber(ARGV[5]), tonumber(ARGV[8]), tonumber(ARGV[9])
local neverShuts = ARGV[10] == '1'
retryAfter = retryAfter and math.min(math.max(retryAfter, 0), LONGEST_HINT_MS)
local class = ARGV[11]
local now = tonumber(ARGV[14])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local function whole(number)
  return string.format('%.0f', number)
end

local held = redis.call('ZREM', KEYS[2], leaseId) == 1
local state = redis.call('HMGET', KEYS[1], 'cool', 'open', 'probe', 'fails', 'trips', 'out', 'word')
local cool, open = tonumber(state[1]) or 0, tonumber(state[2]) or 0
local wasProbe = held and state[3] == leaseId
local changed = 'nothing'

local function correctUse()
  local taken, more = ARGV[3], tonumber(ARGV[4])
  local lessRequests = outcome == 'unused' and 1 or 0
  if taken == '' or (more == 0 and lessRequests == 0) then
    return
  end
  local use = redis.call('HMGET', KEYS[3], 'from', 'r' .. taken, 't' .. taken)
  -- The second has left the minute, or was lost with Redis' memory: nothing to correct.
  if not use[1] or not use[2] or tonumber(use[1]) > tonumber(taken) then
    return
  end
  more = math.max(more, -(tonumber(use[3]) or 0))
  redis.call('HINCRBY', KEYS[3], 'tokens', whole(more))
  redis.call('HINCRBY', KEYS[3], 't' .. taken, whole(more))
  if lessRequests == 1 and tonumber(use[2]) > 0 then
    redis.call('HINCRBY', KEYS[3], 'requests', -1)
    redis.call('HINCRBY', KEYS[3], 'r' .. taken, -1)
  end
end

-- The hash is forgotten an hour after its last time is over.
local function keep()
  redis.call('PEXPIRE', KEYS[1], whole(math.max(cool, open, now) - now + FORGET_MS))
end

-- To an earlier call the provider said that more was left: so it had counted that one when it gave the word in force.
local function giveBack(word, requests, tokens)
  if word.requestsUntil > now and (not requests or tonumber(requests) > word.requestsTold) then
    word.requests = word.requests + 1
  end
  if word.tokensUntil > now and (not tokens or tonumber(tokens) > word.tokensTold) then
    word.tokens = word.tokens + word.tokensEach
  end
  redis.call('HSET', KEYS[1], 'word', wordText(word))
end

-- The word of the call that began last counts. What is in flight is taken off: the provider may not have seen it when it
-- spoke. If it had, the answer of that call says so, and it is given back.
local function hear()
  local requests, requestsUntil, tokens, tokensUntil, by =
    string.match(ARGV[12], '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
  local other
  if not by then
    other, by = string.match(ARGV[12], '^(%l+) (%d+)$')
  end
  if not by then
    return
  end
  if state[7] then
    local word = readWord(state[7])
    local isInForce = word.requestsUntil > now or word.tokensUntil > now
    if isInForce and word.by > tonumber(by) then
      return giveBack(word, requestsUntil ~= '0' and requests, tokensUntil ~= '0' and tokens)
    end
  end
  if other == 'enough' then
    return
  end
  if other == 'plenty' then
    redis.call('HDEL', KEYS[1], 'word')
    return
  end
  local others = redis.call('ZCOUNT', KEYS[2], '(' .. whole(now), '+inf')
  redis.call('HSET', KEYS[1], 'word', wordText({
    requests = requests - others, requestsUntil = math.min(requestsUntil, now + LONGEST_SAID_MS), requestsTold = requests,
    tokens = tokens - others * ARGV[13], tokensUntil = math.min(tokensUntil, now + LONGEST_SAID_MS), tokensTold = tokens,
    by = by, tokensEach = ARGV[13] }))
  keep()
end

local function coolFor(ms)
  if now + ms > math.max(cool, now) then
    cool = now + ms
    redis.call('HSET', KEYS[1], 'cool', whole(cool), 'coolWhy', reason)
    keep()
    changed = changed == 'nothing' and 'cooled' or changed
  end
end

local function forgetFails()
  redis.call('DEL', KEYS[4], KEYS[4] .. ':timeout', KEYS[4] .. ':server')
end

local function openFor(ms, isOut)
  local untilMs = math.max(open, now + ms)
  redis.call('HSET', KEYS[1], 'open', whole(untilMs), 'openWhy', reason, 'openedAt', whole(now), 'fails', 0)
  if isOut then
    redis.call('HSET', KEYS[1], 'out', 1)
  elseif now >= open then
    redis.call('HDEL', KEYS[1], 'out')
  end
  forgetFails()
  open = untilMs
  keep()
  changed = 'opened'
end

local function openByFailure()
  local trips = tonumber(state[5]) or 0
  openFor(cooldown or math.min(COOLDOWN_MS * 2 ^ math.min(trips, 8), LONGEST_COOLDOWN_MS), false)
  redis.call('HINCRBY', KEYS[1], 'trips', 1)
end

local function close()
  redis.call('HDEL', KEYS[1], 'open', 'openWhy', 'openedAt', 'out', 'probedAt', 'trips', 'fails')
  forgetFails()
  open = 0
  changed = 'closed'
end

local function isOneTooMany()
  local fails = 0
  if class == '' then
    fails = redis.call('HINCRBY', KEYS[1], 'fails', 1)
    keep()
  end
  if not allowedFails then
    return fails > IN_A_ROW or ARGV[7] == '1'
  end
  local key = class == '' and KEYS[4] or KEYS[4] .. ':' .. class
  redis.call('LPUSH', key, whole(now))
  redis.call('LTRIM', key, 0, whole(allowedFails))
  redis.call('PEXPIRE', key, FAILS_WINDOW_MS)
  local oldest = tonumber(redis.call('LINDEX', key, whole(allowedFails)))
  return oldest and oldest > now - FAILS_WINDOW_MS
end

local function note(i)
  local key, value, keep, ends = KEYS[4 + i], ARGV[12 + 3 * i], ARGV[13 + 3 * i], ARGV[14 + 3 * i]
  if keep ~= '' then
    redis.call('LPUSH', key, value)
    redis.call('LTRIM', key, 0, tonumber(keep) - 1)
    redis.call('PEXPIRE', key, ends)
    return
  end
  redis.call('INCRBY', key, value)
  if ends ~= '' then
    redis.call('PEXPIREAT', key, ends)
  end
end

if held then
  correctUse()
  if ARGV[12] ~= '' then
    hear()
  end
  for i = 1, #KEYS - 4 do
    note(i)
  end
  if wasProbe then
    redis.call('HDEL', KEYS[1], 'probe')
  end
  if outcome == 'succeeded' then
    if wasProbe then
      close()
    elseif state[4] and state[4] ~= '0' then
      redis.call('HDEL', KEYS[1], 'fails')
    end
  elseif neverShuts then
    if wasProbe and outcome ~= 'neutral' and outcome ~= 'unused' then
      close() -- the settings changed while it was open
    end
  elseif outcome == 'failed' then
    if wasProbe or (open == 0 and isOneTooMany()) then
      openByFailure()
    end
    if retryAfter then
      coolFor(retryAfter)
    end
  elseif outcome == 'cools' then
    coolFor(retryAfter or cooldown or COOLDOWN_MS)
  elseif outcome == 'out' then
    local isOutAlready = state[6] and open > now and not wasProbe
    openFor(OUT_MS, true)
    changed = isOutAlready and 'nothing' or 'opened'
  end
end
if changed == 'opened' or changed == 'closed' then
  redis.call('PUBLISH', 'sluice:breakers', (open > 0 and 'open ' or 'closed ') .. KEYS[1])
end

local after = (open > 0 and 'open') or (cool > now and 'cooling') or 'closed'
if after ~= 'closed' then
  return { after, math.max(cool, open), wasProbe and 1 or 0, changed }
end
return { after, 0, wasProbe and 1 or 0, changed }
