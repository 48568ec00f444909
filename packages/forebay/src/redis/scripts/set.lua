-- One key's fence with a new value: the lease goes, then the notice, then the value under the new position.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local newInc = ARGV[3] -- incarnation to begin where there is none
local nonce = ARGV[4] -- of the notice
local tidings = ARGV[5] -- its payload
local freshMs = tonumber(ARGV[6]) -- span of freshness
local staleMs = tonumber(ARGV[7]) -- span after it in which the old value may be served
local errorMs = tonumber(ARGV[8]) -- span after it in which the old value may replace an error
local envelope = ARGV[9] -- the value with its header, whose times, incarnation and epoch are blank

-- A full server takes the fence, and the value is as good as evicted.
local refusal, full = checkRoom(key)
if refusal and not full then return refusal end
redis.call('DEL', lease, key)
ensure(newInc)
announce('k', tidings, nonce)
if not full then store(key, envelope, seq, now(), { freshMs = freshMs, staleMs = staleMs, errorMs = errorMs }) end
return { inc, seq, head }
