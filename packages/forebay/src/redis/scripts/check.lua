-- Checked read: an entry only if it is valid in the shard.
local key = KEYS[4] -- the entry
local cache = ARGV[3] -- its cache
local newInc = ARGV[4] -- incarnation to begin where there is none

checkWritable()
ensure(newInc)
local bytes = readEntry(key, cache)
return { now(), bytes or false }
