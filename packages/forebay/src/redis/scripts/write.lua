-- One key's fence: leases of all versions go, then the entries or their freshness; then the notice. The stale windows begin where freshness ends.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local others = { unpack(KEYS, 6) } -- entries and leases of the other versions that the caller knows, in turn
local newInc = ARGV[3] -- incarnation to begin where there is none
local nonce = ARGV[4] -- of the notice
local kind = ARGV[5] -- of the notice: k = the entry goes, s = its freshness ends
local tidings = ARGV[6] -- the notice's payload
local cache = ARGV[7] -- its cache
local known = ARGV[8] -- the versions that the caller knows

local function endFreshness(name)
  local bytes = redis.call('GET', name)
  local entry = open(bytes)
  local at = now()
  if not entry or entry.freshUntil <= at then return end
  local cut = entry.freshUntil - at
  local ends = write48(at) .. write48(read48(bytes, 17) - cut) .. write48(read48(bytes, 23) - cut)
  redis.call('SETRANGE', name, 10, ends)
end

-- Who does not know all versions cannot name their keys: he is told, and nothing happens.
local versions = versionsOf(cache)
if versions ~= known then return { 'versions', versions } end

-- Deleting comes first: after it a full server takes the rest.
if kind == 's' then
  redis.call('DEL', lease)
  endFreshness(key)
  for i = 1, #others, 2 do
    redis.call('DEL', others[i + 1])
    endFreshness(others[i])
  end
else
  redis.call('DEL', lease, key, unpack(others))
end
ensure(newInc)
announce(kind, tidings, nonce)
return { inc, seq, head, 0 }
