-- A group's fence on this shard: the notice, then the stamps of its tags, of the pattern, or of the clear.
local newInc = ARGV[3] -- incarnation to begin where there is none
local nonce = ARGV[4] -- of the notice
local tidings = ARGV[5] -- its payload
local scope = ARGV[6] -- a cache, or * for the whole service
local tags = ARGV[7] -- as they stand in a header; empty = clear, or the pattern
local most = tonumber(ARGV[8]) -- stamps to keep
local parts = ARGV[9] -- the pattern's literals as JSON, or empty
local mostPatterns = tonumber(ARGV[10]) -- pattern stamps to keep of a cache; with one more they become a clear

local function same(some, others)
  if #some ~= #others then return false end
  for i, part in ipairs(some) do
    if part ~= others[i] then return false end
  end
  return true
end

-- The same pattern again counts from its last stamp.
local function stampPattern(literals)
  local stood = redis.call('HGET', meta, 'p:' .. scope)
  local patterns = {}
  for _, pattern in ipairs(stood and cjson.decode(stood) or {}) do
    if not same(pattern[2], literals) then patterns[#patterns + 1] = pattern end
  end
  patterns[#patterns + 1] = { seq, literals }
  if #patterns > mostPatterns then
    redis.call('HDEL', meta, 'p:' .. scope)
    redis.call('HSET', meta, 'c:' .. scope, digits(seq))
  else
    redis.call('HSET', meta, 'p:' .. scope, cjson.encode(patterns))
  end
end

checkWritable()
ensure(newInc)
if #parts > 0 then
  announce('p', tidings, nonce)
  stampPattern(cjson.decode(parts))
  return { inc, seq, head }
end

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
