-- Checked read: an entry only if it is valid in the shard.
local key = KEYS[4] -- the entry
local cache = ARGV[3] -- its cache
local newInc = ARGV[4] -- incarnation to begin where there is none
local canonical = ARGV[5] -- its key
local version = ARGV[6] -- the cache's version, or empty

checkWritable()
ensure(newInc)
local bytes = readEntry(key, { cache = cache, version = version, canonical = canonical })
return { now(), bytes or false }
