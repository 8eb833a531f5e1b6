-- Status of some deployments of one group. Changes nothing.
--
-- KEYS[3i-2]  {sluice:<group>}:dep:<id>         hash, see take-lease.lua
-- KEYS[3i-1]  {sluice:<group>}:dep:<id>:slots   sorted set: lease id -> expiry
-- KEYS[3i]    {sluice:<group>}:dep:<id>:use     hash, see take-lease.lua
-- ARGV[1]     now in ms, for tests; empty: Redis TIME
-- Returns     {now, then for each: cooling until (0: not), why, open until (0: closed), why, failures in a row, in flight,
--             requests, tokens of the sliding minute}
-- Time        Unix ms by Redis TIME

local WINDOW_S = 61
local ARRIVAL_MS = 500

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local first = math.floor((now - ARRIVAL_MS) / 1000) - WINDOW_S + 1

local seen = { now }
local function add(value)
  seen[#seen + 1] = value
end
for i = 1, #KEYS, 3 do
  local state = redis.call('HMGET', KEYS[i], 'cool', 'coolWhy', 'open', 'openWhy', 'fails')
  local cool = tonumber(state[1]) or 0
  add(cool > now and cool or 0)
  add(cool > now and state[2] or '')
  add(tonumber(state[3]) or 0)
  add(state[4] or '')
  add(tonumber(state[5]) or 0)
  add(redis.call('ZCOUNT', KEYS[i + 1], '(' .. string.format('%.0f', now), '+inf'))

  local requests, tokens = 0, 0
  local use = redis.call('HGETALL', KEYS[i + 2])
  for k = 1, #use, 2 do
    local sort, second = string.match(use[k], '^([rt])(%d+)$')
    if sort and tonumber(second) >= first then
      if sort == 'r' then
        requests = requests + use[k + 1]
      else
        tokens = tokens + use[k + 1]
      end
    end
  end
  add(requests)
  add(tokens)
end
return seen
