-- Forgets consumers of a ledger that have nothing in hand, in every consumer group: one by name, or those that are gone.
-- In one script, since XGROUP DELCONSUMER drops what a consumer has in hand.
--
-- KEYS[1]  {sluice:<group>}:ledger    stream
-- ARGV[1]  how long one must have read nothing, ms
-- ARGV[2]  the name of one; '': all
-- Returns  how many were forgotten
-- Time     Redis' own (idle times), ms

local function of(row, name)
  for i = 1, #row, 2 do
    if row[i] == name then return row[i + 1] end
  end
end

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local forgotten = 0
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], of(group, 'name'))) do
    local isMeant = ARGV[2] == '' or of(consumer, 'name') == ARGV[2]
    if isMeant and of(consumer, 'pending') == 0 and of(consumer, 'idle') >= tonumber(ARGV[1]) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], of(group, 'name'), of(consumer, 'name'))
      forgotten = forgotten + 1
    end
  end
end
return forgotten
