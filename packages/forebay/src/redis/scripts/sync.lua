-- Where the shard stands: position, floor, clears, patterns, its newest stamps, and the nonces in its log.
local newInc = ARGV[3] -- incarnation to begin where there is none
local most = tonumber(ARGV[4]) -- stamps to bring
local withLog = ARGV[5] -- 1 = bring the nonces
local mostNonces = ARGV[6] -- bound of these

checkWritable()
ensure(newInc)

-- Of c:<scope> and p:<cache>: the names, each with its value.
local named = { ['c:'] = {}, ['p:'] = {} }
local fields = redis.call('HGETALL', meta)
for i = 1, #fields, 2 do
  local list = named[string.sub(fields[i], 1, 2)]
  if list then
    list[#list + 1] = string.sub(fields[i], 3)
    list[#list + 1] = fields[i + 1]
  end
end

local newest = {}
if most > 0 then newest = redis.call('ZREVRANGE', stamps, 1, most, 'WITHSCORES') end
local more = 0
if redis.call('ZCARD', stamps) - 1 > most then more = 1 end

local nonces = {}
if withLog == '1' then
  for _, logged in ipairs(redis.call('XREVRANGE', log, '+', '-', 'COUNT', mostNonces)) do
    nonces[#nonces + 1] = string.match(logged[2][2], '^%S+ %S+ %S+ (%S+)')
  end
end
return { now(), inc, seq, head, floor, named['c:'], newest, more, nonces, named['p:'] }
