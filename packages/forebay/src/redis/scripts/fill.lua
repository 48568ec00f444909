-- Stores what a load returned if its lease and epoch still hold and nothing newer is there, and ends the lease.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local cache = ARGV[3] -- its cache
local token = ARGV[4] -- the lease's
local nonce = ARGV[5] -- of the notice that wakes waiters
local tidings = ARGV[6] -- its payload
local loadedInc = ARGV[7] -- incarnation under which the load began
local epoch = tonumber(ARGV[8]) -- seq at which the load began
local freshMs = tonumber(ARGV[9]) -- span of freshness
local staleMs = tonumber(ARGV[10]) -- span after it in which the old value may be served
local errorMs = tonumber(ARGV[11]) -- span after it in which the old value may replace an error
local envelope = ARGV[12] -- the value with its header, whose times, incarnation and epoch are blank
local canonical = ARGV[13] -- its key
local version = ARGV[14] -- the cache's version, or empty
local keepMs = tonumber(ARGV[15]) -- span after freshness in which it is kept in any case

-- A full server ends the lease all the same, so that nobody waits for it.
local refusal, full = checkRoom(key)
if refusal and not full then return refusal end
local holder, mark, leasedAt = readLease(lease)
if holder ~= token then return { 'lease' } end
redis.call('DEL', lease)

-- A copy of this attempt that came late, after an invalidation, has brought the lease back, but begins at another seq.
local ours = leasedAt == epoch
local at = now()
local stands = standing()
local place = { cache = cache, version = version, canonical = canonical }
local header = open(envelope)
local loaded = { inc = loadedInc, epoch = epoch, tags = header.tags }
local keeps = ours and stands and valid(loaded, place) and not outdated(header.version, key, place)
if keeps and not full then store(key, envelope, epoch, at, { freshMs = freshMs, staleMs = staleMs, errorMs = errorMs, keepMs = keepMs }) end
if stands and mark == '+' then announce('f', tidings, nonce) end
if not ours then return { 'lease' } end
if not keeps then return { 'epoch' } end
if full then return refusal end
return { 'stored', at }
