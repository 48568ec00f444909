-- Prolongs an entry that is valid and still fresh: its times, and its stay here; nothing else of it changes, nor does the shard's history.
local key = KEYS[4] -- the entry
local cache = ARGV[3] -- its cache
local freshMs = tonumber(ARGV[4]) -- span of freshness from now on, 0 = the entry's own
local maxAgeMs = tonumber(ARGV[5]) -- age at which freshness ends at the latest, 0 = none
local canonical = ARGV[6] -- its key
local version = ARGV[7] -- the cache's version, or empty

checkWritable()
if not standing() then return false end
local bytes, entry = readEntry(key, { cache = cache, version = version, canonical = canonical })
local at = now()
if not entry or entry.freshUntil <= at then return false end

local coded = struct.unpack('>I2', bytes, 3)
local own = (coded % 2048) * 2 ^ math.floor(coded / 2048)
local created, fresh, stale, rescue = read48(bytes, 5), entry.freshUntil, read48(bytes, 17), read48(bytes, 23)
local wanted = at + (freshMs > 0 and freshMs or own)
if maxAgeMs > 0 then wanted = math.min(wanted, created + maxAgeMs) end
local by = wanted - fresh
if own > 0 and by > 0 then
  fresh, stale, rescue = fresh + by, stale + by, rescue + by
  redis.call('SETRANGE', key, 10, write48(fresh) .. write48(stale) .. write48(rescue))
  redis.call('PEXPIRE', key, digits(redis.call('PTTL', key) + by))
end
return { at, created, fresh, stale, rescue }
