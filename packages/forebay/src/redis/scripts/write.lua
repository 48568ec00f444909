-- One key's fence: the lease goes, then the entry or its freshness; then the notice. The stale windows begin where freshness ends.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local newInc = ARGV[3] -- incarnation to begin where there is none
local nonce = ARGV[4] -- of the notice
local kind = ARGV[5] -- of the notice: k = the entry goes, s = its freshness ends
local tidings = ARGV[6] -- the notice's payload

-- Deleting comes first: after it a full server takes the rest.
if kind == 's' then
  redis.call('DEL', lease)
  local bytes = redis.call('GET', key)
  local entry = open(bytes)
  local at = now()
  if entry and entry.freshUntil > at then
    local cut = entry.freshUntil - at
    local ends = write48(at) .. write48(read48(bytes, 17) - cut) .. write48(read48(bytes, 23) - cut)
    redis.call('SETRANGE', key, 10, ends)
  end
else
  redis.call('DEL', lease, key)
end
ensure(newInc)
announce(kind, tidings, nonce)
return { inc, seq, head }
