// Made from scripts/*.lua by packages/forebay/scripts/generate-scripts.mjs; not to be edited.

/** The scripts by name: SHA-1, the names of their keys and arguments in order, text. */
export const scripts = {
  acquire: {
    sha: '91371078a3181257afe14bb31fb88bb31cf1bf8d',
    keys: ['meta', 'stamps', 'log', 'key', 'lease'],
    args: ['ring', 'bell', 'cache', 'newInc', 'token', 'leaseMs', 'force', 'takeover', 'canonical', 'version', 'soonMs'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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

-- Miss: the valid and fresh entry, or the lease, or the wait for the one who holds it.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local cache = ARGV[3] -- its cache
local newInc = ARGV[4] -- incarnation to begin where there is none
local token = ARGV[5] -- made for this one attempt
local leaseMs = ARGV[6] -- life of the lease, ms
local force = ARGV[7] -- 1 = take the lease whatever stands there
local takeover = ARGV[8] -- token of a lease whose time is over, or empty
local canonical = ARGV[9] -- its key
local version = ARGV[10] -- the cache's version, or empty
local soonMs = tonumber(ARGV[11]) -- an entry whose freshness ends within this time counts as no longer fresh

-- A full server gives out what it has, but no lease: who cannot store must not load for others.
local refusal, full = checkRoom(key)
if refusal and not full then return refusal end
checkWritable()
ensure(newInc)
local at = now()
local place = { cache = cache, version = version, canonical = canonical }
local bytes, entry = readEntry(key, place)
if force ~= '1' and entry and entry.freshUntil > at + soonMs then return { 'entry', at, bytes } end
if full then return refusal end

local holder, mark = readLease(lease)
if holder and force ~= '1' and holder ~= takeover then
  if mark == '' then redis.call('APPEND', lease, '+') end
  return { 'wait', at, holder, math.max(redis.call('PTTL', lease), 0), bytes or false }
end
admit(place, token)
redis.call('SET', lease, digits(seq) .. ':' .. token .. mark, 'PX', leaseMs)
return { 'lease', at, inc, seq, bytes or false }
`,
  },
  check: {
    sha: '1bc6244befefd4cd15d0276af9f161aa1af4ffc7',
    keys: ['meta', 'stamps', 'log', 'key'],
    args: ['ring', 'bell', 'cache', 'newInc', 'canonical', 'version'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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
`,
  },
  extend: {
    sha: '0a453f0bc4c28ba2703405dc847ffc4faedec39d',
    keys: ['meta', 'stamps', 'log', 'key'],
    args: ['ring', 'bell', 'cache', 'freshMs', 'maxAgeMs', 'canonical', 'version'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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
`,
  },
  fill: {
    sha: '6910524f510a7b553683620c5976fa77f75d743d',
    keys: ['meta', 'stamps', 'log', 'key', 'lease'],
    args: [
      'ring',
      'bell',
      'cache',
      'token',
      'nonce',
      'tidings',
      'loadedInc',
      'epoch',
      'freshMs',
      'staleMs',
      'errorMs',
      'envelope',
      'canonical',
      'version',
      'keepMs',
    ],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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

-- Stores what a load returned if its lease and epoch still hold and nothing newer is there, and ends the lease.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local cache = ARGV[3] -- its cache
local token = ARGV[4] -- the lease's
local nonce = ARGV[5] -- of the notice that wakes waiters
local tidings = ARGV[6] -- its payload
local loadedInc = ARGV[7] -- incarnation under which the load began
local epoch = tonumber(ARGV[8]) -- seq at which the load began
local freshMs = tonumber(ARGV[9]) -- span of freshness
local staleMs = tonumber(ARGV[10]) -- span after it in which the old value may be served
local errorMs = tonumber(ARGV[11]) -- span after it in which the old value may replace an error
local envelope = ARGV[12] -- the value with its header, whose times, incarnation and epoch are blank
local canonical = ARGV[13] -- its key
local version = ARGV[14] -- the cache's version, or empty
local keepMs = tonumber(ARGV[15]) -- span after freshness in which it is kept in any case

-- A full server ends the lease all the same, so that nobody waits for it.
local refusal, full = checkRoom(key)
if refusal and not full then return refusal end
local holder, mark, leasedAt = readLease(lease)
if holder ~= token then return { 'lease' } end
redis.call('DEL', lease)

-- A copy of this attempt that came late, after an invalidation, has brought the lease back, but begins at another seq.
local ours = leasedAt == epoch
local at = now()
local stands = standing()
local place = { cache = cache, version = version, canonical = canonical }
local header = open(envelope)
local loaded = { inc = loadedInc, epoch = epoch, tags = header.tags }
local keeps = ours and stands and valid(loaded, place) and not outdated(header.version, key, place)
if keeps and not full then store(key, envelope, epoch, at, { freshMs = freshMs, staleMs = staleMs, errorMs = errorMs, keepMs = keepMs }) end
if stands and mark == '+' then announce('f', tidings, nonce) end
if not ours then return { 'lease' } end
if not keeps then return { 'epoch' } end
if full then return refusal end
return { 'stored', at }
`,
  },
  release: {
    sha: '62de66ef96236d854a16f550ef6e3bf2ec07c91a',
    keys: ['meta', 'stamps', 'log', 'lease'],
    args: ['ring', 'bell', 'token', 'nonce', 'tidings'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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

-- Gives a lease up without a value and wakes waiters.
local lease = KEYS[4] -- the lease
local token = ARGV[3] -- the lease's
local nonce = ARGV[4] -- of the notice that wakes waiters
local tidings = ARGV[5] -- its payload

checkWritable()
local holder, mark = readLease(lease)
if holder ~= token then return 0 end
redis.call('DEL', lease)
if mark == '+' and standing() then announce('f', tidings, nonce) end
return 1
`,
  },
  renew: {
    sha: '53ed43f0efb0cc5853cb557d501472b458b65bc9',
    keys: ['meta', 'stamps', 'log', 'lease'],
    args: ['ring', 'bell', 'token', 'leaseMs'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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

-- Prolongs a lease that is still ours.
local lease = KEYS[4] -- the lease
local token = ARGV[3] -- the lease's
local leaseMs = ARGV[4] -- its new life, ms

checkWritable()
if readLease(lease) ~= token then return 0 end
return redis.call('PEXPIRE', lease, leaseMs)
`,
  },
  set: {
    sha: '4f65c8ea63ebe5d9e1873a160533cd765ceee7bc',
    keys: ['meta', 'stamps', 'log', 'key', 'lease', '...others'],
    args: [
      'ring',
      'bell',
      'newInc',
      'nonce',
      'tidings',
      'freshMs',
      'staleMs',
      'errorMs',
      'envelope',
      'onlyUnder',
      'leasedInc',
      'cache',
      'canonical',
      'version',
      'known',
      'keepMs',
    ],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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

-- One key's fence with a new value: leases and entries of all versions go, then the notice, then the value under the new position, unless its lease was lost, a group's fence came in between, or something newer was there.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local others = { unpack(KEYS, 6) } -- entries and leases of the other versions that the caller knows
local newInc = ARGV[3] -- incarnation to begin where there is none
local nonce = ARGV[4] -- of the notice
local tidings = ARGV[5] -- its payload
local freshMs = tonumber(ARGV[6]) -- span of freshness
local staleMs = tonumber(ARGV[7]) -- span after it in which the old value may be served
local errorMs = tonumber(ARGV[8]) -- span after it in which the old value may replace an error
local envelope = ARGV[9] -- the value with its header, whose times, incarnation and epoch are blank
local onlyUnder = ARGV[10] -- <seq>:<token> of the lease under which alone it is stored, or empty
local leasedInc = ARGV[11] -- incarnation in which that lease was given, or empty
local cache = ARGV[12] -- its cache
local canonical = ARGV[13] -- its key
local version = ARGV[14] -- the cache's version, or empty
local known = ARGV[15] -- the versions that the caller knows
local keepMs = tonumber(ARGV[16]) -- span after freshness in which it is kept in any case

-- Who does not know all versions cannot name their keys: he is told, and nothing happens.
local versions = versionsOf(cache)
if versions ~= known then return { 'versions', versions } end

-- A full server takes the fence, and the value is as good as evicted.
local refusal, full = checkRoom(key)
if refusal and not full then return refusal end
local token, _, leasedAt = readLease(lease)
local stores = not full and (onlyUnder == '' or (token and digits(leasedAt) .. ':' .. token == onlyUnder))
local place = { cache = cache, version = version, canonical = canonical }
redis.call('DEL', lease, unpack(others))
ensure(newInc)
local entry = open(envelope)
if stores and onlyUnder ~= '' then stores = valid({ inc = leasedInc, epoch = leasedAt, tags = entry.tags }, place) end
if stores then stores = not outdated(entry.version, key, place) end
redis.call('DEL', key)
if stores then admit(place, nonce .. '+') end
announce('k', tidings, nonce)
if stores then store(key, envelope, seq, now(), { freshMs = freshMs, staleMs = staleMs, errorMs = errorMs, keepMs = keepMs }) end
return { inc, seq, head, stores and 1 or 0 }
`,
  },
  stamp: {
    sha: '38eab918e3897ef2353326b8effd35a8de110a3f',
    keys: ['meta', 'stamps', 'log'],
    args: ['ring', 'bell', 'newInc', 'nonce', 'tidings', 'scope', 'tags', 'most', 'parts', 'mostPatterns'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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
`,
  },
  sync: {
    sha: 'ce59b74ec427ea189a62af885de25d1b407c2139',
    keys: ['meta', 'stamps', 'log'],
    args: ['ring', 'bell', 'newInc', 'most', 'withLog', 'mostNonces'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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
`,
  },
  write: {
    sha: '26b59411200abb38e00d3393fbc47eae5424124c',
    keys: ['meta', 'stamps', 'log', 'key', 'lease', '...others'],
    args: ['ring', 'bell', 'newInc', 'nonce', 'kind', 'tidings', 'cache', 'known'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
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
`,
  },
} as const
