-- One key's fence: the lease goes, then the entry or its freshness; then the notice.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local newInc = ARGV[3] -- incarnation to begin where there is none
local nonce = ARGV[4] -- of the notice
local kind = ARGV[5] -- of the notice: k = the entry goes, s = its freshness ends
local tidings = ARGV[6] -- the notice's payload

-- Deleting comes first: after it a full server takes the rest.
if kind == 's' then
  redis.call('DEL', lease)
  local entry = open(redis.call('GET', key))
  local at = now()
  if entry and entry.freshUntil > at then redis.call('SETRANGE', key, 10, write48(at)) end
else
  redis.call('DEL', lease, key)
end
ensure(newInc)
announce(kind, tidings, nonce)
return { inc, seq, head }
