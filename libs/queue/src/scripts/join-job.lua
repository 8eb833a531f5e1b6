-- Adds one more inbox to a job: from here on its frames are published there too. What it sent before is in its stream.
--
-- KEYS[1]  {sluice:<group>}:job:<id>    hash, the job record
-- ARGV[1]  inbox
-- ARGV[2]  most inboxes besides the one that the job answers to; the one that joined first makes room
-- Returns  'joined' | 'over' nothing more will be sent, record and stream tell all | 'gone' no record (any more)
-- Time     none
--
-- Safe to repeat: an inbox stands there once. One that is pushed out hears of the rest by looking after a silence.

local record = redis.call('HMGET', KEYS[1], 'state', 'replyTo', 'followers')
local state = record[1]
if not state then return 'gone' end
if state ~= 'queued' and state ~= 'running' then return 'over' end
if record[2] == ARGV[1] then return 'joined' end

local followers = {}
for inbox in string.gmatch(record[3] or '', '[^ ]+') do
  if inbox == ARGV[1] then return 'joined' end
  followers[#followers + 1] = inbox
end
followers[#followers + 1] = ARGV[1]
local first = math.max(1, #followers - tonumber(ARGV[2]) + 1)
redis.call('HSET', KEYS[1], 'followers', table.concat(followers, ' ', first))
return 'joined'
