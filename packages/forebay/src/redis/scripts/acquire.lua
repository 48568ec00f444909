-- Miss: the valid and fresh entry, or the lease, or the wait for the one who holds it.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local cache = ARGV[3] -- its cache
local newInc = ARGV[4] -- incarnation to begin where there is none
local token = ARGV[5] -- made for this one attempt
local leaseMs = ARGV[6] -- life of the lease, ms
local force = ARGV[7] -- 1 = take the lease whatever stands there
local takeover = ARGV[8] -- token of a lease whose time is over, or empty
local canonical = ARGV[9] -- its key
local version = ARGV[10] -- the cache's version, or empty
local soonMs = tonumber(ARGV[11]) -- an entry whose freshness ends within this time counts as no longer fresh

-- A full server gives out what it has, but no lease: who cannot store must not load for others.
local refusal, full = checkRoom(key)
if refusal and not full then return refusal end
checkWritable()
ensure(newInc)
local at = now()
local place = { cache = cache, version = version, canonical = canonical }
local bytes, entry = readEntry(key, place)
if force ~= '1' and entry and entry.freshUntil > at + soonMs then return { 'entry', at, bytes } end
if full then return refusal end

local holder, mark = readLease(lease)
if holder and force ~= '1' and holder ~= takeover then
  if mark == '' then redis.call('APPEND', lease, '+') end
  return { 'wait', at, holder, math.max(redis.call('PTTL', lease), 0), bytes or false }
end
admit(place, token)
redis.call('SET', lease, digits(seq) .. ':' .. token .. mark, 'PX', leaseMs)
return { 'lease', at, inc, seq, bytes or false }
