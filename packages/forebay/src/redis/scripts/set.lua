-- One key's fence with a new value: leases and entries of all versions go, then the notice, then the value under the new position, unless its lease was lost, a group's fence came in between, or something newer was there.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local others = { unpack(KEYS, 6) } -- entries and leases of the other versions that the caller knows
local newInc = ARGV[3] -- incarnation to begin where there is none
local nonce = ARGV[4] -- of the notice
local tidings = ARGV[5] -- its payload
local freshMs = tonumber(ARGV[6]) -- span of freshness
local staleMs = tonumber(ARGV[7]) -- span after it in which the old value may be served
local errorMs = tonumber(ARGV[8]) -- span after it in which the old value may replace an error
local envelope = ARGV[9] -- the value with its header, whose times, incarnation and epoch are blank
local onlyUnder = ARGV[10] -- <seq>:<token> of the lease under which alone it is stored, or empty
local leasedInc = ARGV[11] -- incarnation in which that lease was given, or empty
local cache = ARGV[12] -- its cache
local canonical = ARGV[13] -- its key
local version = ARGV[14] -- the cache's version, or empty
local known = ARGV[15] -- the versions that the caller knows
local keepMs = tonumber(ARGV[16]) -- span after freshness in which it is kept in any case

-- Who does not know all versions cannot name their keys: he is told, and nothing happens.
local versions = versionsOf(cache)
if versions ~= known then return { 'versions', versions } end

-- A full server takes the fence, and the value is as good as evicted.
local refusal, full = checkRoom(key)
if refusal and not full then return refusal end
local token, _, leasedAt = readLease(lease)
local stores = not full and (onlyUnder == '' or (token and digits(leasedAt) .. ':' .. token == onlyUnder))
local place = { cache = cache, version = version, canonical = canonical }
redis.call('DEL', lease, unpack(others))
ensure(newInc)
local entry = open(envelope)
if stores and onlyUnder ~= '' then stores = valid({ inc = leasedInc, epoch = leasedAt, tags = entry.tags }, place) end
if stores then stores = not outdated(entry.version, key, place) end
redis.call('DEL', key)
if stores then admit(place, nonce .. '+') end
announce('k', tidings, nonce)
if stores then store(key, envelope, seq, now(), { freshMs = freshMs, staleMs = staleMs, errorMs = errorMs, keepMs = keepMs }) end
return { inc, seq, head, stores and 1 or 0 }
