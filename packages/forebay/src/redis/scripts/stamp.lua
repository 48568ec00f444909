-- A group's fence on this shard: the notice, then the stamps of its tags, or of the clear.
local newInc = ARGV[3] -- incarnation to begin where there is none
local nonce = ARGV[4] -- of the notice
local tidings = ARGV[5] -- its payload
local scope = ARGV[6] -- a cache, or * for the whole service
local tags = ARGV[7] -- as they stand in a header; empty = clear
local most = tonumber(ARGV[8]) -- stamps to keep

checkWritable()
ensure(newInc)
if #tags == 0 then
  announce('c', tidings, nonce)
  redis.call('HSET', meta, 'c:' .. scope, digits(seq))
  return { inc, seq, head }
end

announce('t', tidings, nonce)
local at = 1
while at <= #tags do
  local length = struct.unpack('>I2', tags, at)
  redis.call('ZADD', stamps, digits(seq), scope .. '\n' .. string.sub(tags, at + 2, at + 1 + length))
  at = at + 2 + length
end
local excess = redis.call('ZCARD', stamps) - 1 - most
if excess > 0 then
  local popped = redis.call('ZPOPMIN', stamps, excess)
  floor = math.max(floor, tonumber(popped[#popped]))
  redis.call('HSET', meta, 'floor', digits(floor))
end
return { inc, seq, head }
