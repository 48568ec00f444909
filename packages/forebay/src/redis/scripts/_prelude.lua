-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, c:<scope> = seq of the last clear, p:<cache> = its pattern stamps, v:<cache> = its versions
local stamps = KEYS[2] -- sorted set: stamped name -> seq
local log = KEYS[3] -- stream of notices; the id is <seq>-0
local ring = ARGV[1] -- PUBLISH, or SPUBLISH in a Cluster
local bell = ARGV[2] -- channel on which the shard's notices are pushed; no key, because a key that never exists stops scripts while slots move

local sentinel = '\n' -- a member that sorts above all stamps; missing = the stamps were evicted
local inc, seq, head, floor -- the metadata, once standing() or ensure() has read it

local function digits(number)
  return string.format('%.0f', number)
end

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- A write that changes nothing: refused by anything that is not a writing primary. As the first write it lets a full server take the rest.
local function checkWritable()
  redis.call('PERSIST', meta)
end

-- The same, but a full server refuses it too. Returns nothing, or the refusal and whether it was for want of memory.
local function checkRoom(key)
  local reply = redis.pcall('SETRANGE', key, 0, '')
  if type(reply) == 'table' then return reply, string.find(reply.err, 'OOM', 1, true) ~= nil end
end

-- Reads the metadata; false if there is none. Without the sentinel nothing tagged before now can be judged, so the floor rises.
local function standing()
  local read = redis.call('HMGET', meta, 'inc', 'seq', 'head', 'floor')
  if not (read[1] and read[2] and read[3] and read[4]) then return false end
  inc, seq, head, floor = read[1], tonumber(read[2]), read[3], tonumber(read[4])
  if not redis.call('ZSCORE', stamps, sentinel) then
    floor = seq
    redis.call('HSET', meta, 'floor', digits(floor))
    redis.call('ZADD', stamps, '+inf', sentinel)
  end
  return true
end

-- Reads the metadata, or begins a new incarnation.
local function ensure(newInc)
  if standing() then return end
  inc, seq, head, floor = newInc, 0, '-', 0
  redis.call('DEL', meta, stamps, log)
  redis.call('HSET', meta, 'inc', inc, 'seq', '0', 'head', head, 'floor', '0')
  redis.call('ZADD', stamps, '+inf', sentinel)
end

-- Adds a notice to the chain, and rings. Where the user may not ring, the others hear of the notice when they next ask.
local function announce(kind, tidings, nonce)
  seq = redis.call('HINCRBY', meta, 'seq', 1)
  local text = table.concat({ kind, inc, digits(seq), nonce, head, tidings }, ' ')
  head = nonce
  redis.call('HSET', meta, 'head', head)
  redis.call('XADD', log, 'MAXLEN', '~', 4096, digits(seq) .. '-0', 'n', text)
  redis.pcall(ring, bell, text)
end

local mostVersions = 4 -- of a cache that are known to a shard

-- The known versions of a cache, newest last, each with an @ before it. A cache without versions has the empty one.
local function versionsOf(cache)
  return redis.call('HGET', meta, 'v:' .. cache) or '@'
end

-- Makes a version known before anything is stored under it, since fences reach the known ones alone. The oldest of too many is cleared.
local function admit(place, nonce)
  local known = versionsOf(place.cache)
  local own = '@' .. place.version
  if string.find(' ' .. known .. ' ', ' ' .. own .. ' ', 1, true) then return end
  known = known .. ' ' .. own
  local _, count = string.gsub(known, '@', '')
  if count > mostVersions then
    local oldest, others = string.match(known, '^(%S+) (.+)$')
    known = others
    announce('c', '["' .. place.cache .. oldest .. '"]', nonce)
    redis.call('HSET', meta, 'c:' .. place.cache .. oldest, digits(seq))
  end
  redis.call('HSET', meta, 'v:' .. place.cache, known)
end

-- A lease is <seq>:<token>, or <seq>:<token>+ if somebody waits for it. Returns the token, or false, the mark, and the seq at which it began.
local function readLease(lease)
  local epoch, token, mark = string.match(redis.call('GET', lease) or '', '^(%d+):(.-)(%+?)$')
  return token or false, mark or '', tonumber(epoch)
end

local function write48(number)
  return struct.pack('>I2I4', math.floor(number / 4294967296), number % 4294967296)
end

local function read48(bytes, at)
  local high, low = struct.unpack('>I2I4', bytes, at)
  return high * 4294967296 + low
end

-- What an envelope's header says (its layout: core/envelope.ts); nil if the bytes are none.
local function open(bytes)
  if not bytes or #bytes < 54 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 54 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    version = read48(bytes, 49),
    tags = string.sub(bytes, 55, tagsEnd),
  }
end

local endless = 140737488355328 -- a freshness that ends there does not end by time (2^47, core/envelope.ts)

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = math.min(at + spans.freshMs, endless)
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  if fresh == endless then
    redis.call('SET', key, envelope)
  else
    redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs, spans.keepMs)))
  end
  redis.call('SETRANGE', key, 4, known)
end

-- Whether none of these tags (each a u16 length and its bytes) was stamped after the epoch; false if they cannot be read.
local function untouched(cache, tags, epoch)
  local at = 1
  while at <= #tags do
    if at == #tags then return false end
    local length = struct.unpack('>I2', tags, at)
    local tag = string.sub(tags, at + 2, at + 1 + length)
    if #tag < length then return false end
    for _, scope in ipairs({ cache, '*' }) do
      local stamp = redis.call('ZSCORE', stamps, scope .. '\n' .. tag)
      if stamp and tonumber(stamp) > epoch then return false end
    end
    at = at + 2 + length
  end
  return true
end

-- Whether a canonical key has the literals of a pattern, with gaps between them (the same: core/pattern.ts).
local function fits(parts, canonical)
  local first, last = parts[1], parts[#parts]
  if #parts == 1 then return canonical == first end
  if string.sub(canonical, 1, #first) ~= first then return false end
  local at = #first + 1
  for i = 2, #parts - 1 do
    local _, found = string.find(canonical, parts[i], at, true)
    if not found then return false end
    at = found + 1
  end
  local lastAt = #canonical - #last + 1
  return lastAt >= at and string.sub(canonical, lastAt) == last
end

-- Whether none of a cache's patterns (a JSON list of [seq, parts], or false) that fits the key was stamped after the epoch.
local function unfitting(patterns, canonical, epoch)
  if not patterns then return true end
  for _, pattern in ipairs(cjson.decode(patterns)) do
    if pattern[1] > epoch and fits(pattern[2], canonical) then return false end
  end
  return true
end

-- Whether an entry of this place (cache, version and canonical key) still counts: same incarnation, nothing it belongs to cleared or stamped since.
local function valid(entry, place)
  if entry.inc ~= inc then return false end
  local cleared = redis.call('HMGET', meta, 'p:' .. place.cache, 'c:' .. place.cache, 'c:*', 'c:' .. place.cache .. '@' .. place.version)
  for i = 2, #cleared do
    if cleared[i] and tonumber(cleared[i]) > entry.epoch then return false end
  end
  if not unfitting(cleared[1], place.canonical, entry.epoch) then return false end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(place.cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, place)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, place) then return bytes, entry end
  redis.call('DEL', key)
  return nil
end

-- Whether a value of this version at its origin would replace a valid entry of a higher one. 0 = without a version, hence neither.
local function outdated(version, key, place)
  if version == 0 then return false end
  local _, entry = readEntry(key, place)
  return entry ~= nil and entry.version > version
end

