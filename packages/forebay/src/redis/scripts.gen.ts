// Made from scripts/*.lua by packages/forebay/scripts/generate-scripts.mjs; not to be edited.

/** The scripts by name: SHA-1, the names of their keys and arguments in order, text. */
export const scripts = {
  acquire: {
    sha: '7c603189ef205d841c4d68a6ed1a53c471db135d',
    keys: ['meta', 'stamps', 'log', 'key', 'lease'],
    args: ['ring', 'bell', 'cache', 'newInc', 'token', 'leaseMs', 'force', 'takeover'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, and c:<scope> = seq of the last clear
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
  if not bytes or #bytes < 48 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 48 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    tags = string.sub(bytes, 49, tagsEnd),
  }
end

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = at + spans.freshMs
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs)))
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

-- Whether an entry of this cache still counts: same incarnation, nothing it belongs to cleared or stamped after its epoch.
local function valid(entry, cache)
  if entry.inc ~= inc then return false end
  for _, cleared in ipairs(redis.call('HMGET', meta, 'c:' .. cache, 'c:*')) do
    if cleared and tonumber(cleared) > entry.epoch then return false end
  end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, cache)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, cache) then return bytes, entry end
  redis.call('DEL', key)
  return nil
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

-- A full server gives out what it has, but no lease: who cannot store must not load for others.
local refusal, full = checkRoom(key)
if refusal and not full then return refusal end
checkWritable()
ensure(newInc)
local at = now()
local bytes, entry = readEntry(key, cache)
if force ~= '1' and entry and entry.freshUntil > at then return { 'entry', at, bytes } end
if full then return refusal end

local holder, mark = readLease(lease)
if holder and force ~= '1' and holder ~= takeover then
  if mark == '' then redis.call('APPEND', lease, '+') end
  return { 'wait', at, holder, math.max(redis.call('PTTL', lease), 0), bytes or false }
end
redis.call('SET', lease, digits(seq) .. ':' .. token .. mark, 'PX', leaseMs)
return { 'lease', at, inc, seq, bytes or false }
`,
  },
  check: {
    sha: '6f8017523218accbd43d5e148e92841004cdfa34',
    keys: ['meta', 'stamps', 'log', 'key'],
    args: ['ring', 'bell', 'cache', 'newInc'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, and c:<scope> = seq of the last clear
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
  if not bytes or #bytes < 48 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 48 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    tags = string.sub(bytes, 49, tagsEnd),
  }
end

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = at + spans.freshMs
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs)))
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

-- Whether an entry of this cache still counts: same incarnation, nothing it belongs to cleared or stamped after its epoch.
local function valid(entry, cache)
  if entry.inc ~= inc then return false end
  for _, cleared in ipairs(redis.call('HMGET', meta, 'c:' .. cache, 'c:*')) do
    if cleared and tonumber(cleared) > entry.epoch then return false end
  end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, cache)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, cache) then return bytes, entry end
  redis.call('DEL', key)
  return nil
end

-- Checked read: an entry only if it is valid in the shard.
local key = KEYS[4] -- the entry
local cache = ARGV[3] -- its cache
local newInc = ARGV[4] -- incarnation to begin where there is none

checkWritable()
ensure(newInc)
local bytes = readEntry(key, cache)
return { now(), bytes or false }
`,
  },
  fill: {
    sha: '10f884aeb381220981f6734a914b4223d5b3580b',
    keys: ['meta', 'stamps', 'log', 'key', 'lease'],
    args: ['ring', 'bell', 'cache', 'token', 'nonce', 'tidings', 'loadedInc', 'epoch', 'freshMs', 'staleMs', 'errorMs', 'envelope'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, and c:<scope> = seq of the last clear
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
  if not bytes or #bytes < 48 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 48 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    tags = string.sub(bytes, 49, tagsEnd),
  }
end

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = at + spans.freshMs
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs)))
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

-- Whether an entry of this cache still counts: same incarnation, nothing it belongs to cleared or stamped after its epoch.
local function valid(entry, cache)
  if entry.inc ~= inc then return false end
  for _, cleared in ipairs(redis.call('HMGET', meta, 'c:' .. cache, 'c:*')) do
    if cleared and tonumber(cleared) > entry.epoch then return false end
  end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, cache)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, cache) then return bytes, entry end
  redis.call('DEL', key)
  return nil
end

-- Stores what a load returned if its lease and epoch still hold, and ends the lease.
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
local keeps = ours and stands and valid({ inc = loadedInc, epoch = epoch, tags = open(envelope).tags }, cache)
if keeps and not full then store(key, envelope, epoch, at, { freshMs = freshMs, staleMs = staleMs, errorMs = errorMs }) end
if stands and mark == '+' then announce('f', tidings, nonce) end
if not ours then return { 'lease' } end
if not keeps then return { 'epoch' } end
if full then return refusal end
return { 'stored', at }
`,
  },
  release: {
    sha: '88fae4195695ec0168f793e622d8048b116e8e84',
    keys: ['meta', 'stamps', 'log', 'lease'],
    args: ['ring', 'bell', 'token', 'nonce', 'tidings'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, and c:<scope> = seq of the last clear
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
  if not bytes or #bytes < 48 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 48 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    tags = string.sub(bytes, 49, tagsEnd),
  }
end

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = at + spans.freshMs
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs)))
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

-- Whether an entry of this cache still counts: same incarnation, nothing it belongs to cleared or stamped after its epoch.
local function valid(entry, cache)
  if entry.inc ~= inc then return false end
  for _, cleared in ipairs(redis.call('HMGET', meta, 'c:' .. cache, 'c:*')) do
    if cleared and tonumber(cleared) > entry.epoch then return false end
  end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, cache)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, cache) then return bytes, entry end
  redis.call('DEL', key)
  return nil
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
    sha: '16cbe645801402fb0726503dbf1a733d64fc156e',
    keys: ['meta', 'stamps', 'log', 'lease'],
    args: ['ring', 'bell', 'token', 'leaseMs'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, and c:<scope> = seq of the last clear
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
  if not bytes or #bytes < 48 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 48 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    tags = string.sub(bytes, 49, tagsEnd),
  }
end

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = at + spans.freshMs
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs)))
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

-- Whether an entry of this cache still counts: same incarnation, nothing it belongs to cleared or stamped after its epoch.
local function valid(entry, cache)
  if entry.inc ~= inc then return false end
  for _, cleared in ipairs(redis.call('HMGET', meta, 'c:' .. cache, 'c:*')) do
    if cleared and tonumber(cleared) > entry.epoch then return false end
  end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, cache)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, cache) then return bytes, entry end
  redis.call('DEL', key)
  return nil
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
    sha: '6ef1f7d3cdcbd5ad73d56c7d803c2b0da175510d',
    keys: ['meta', 'stamps', 'log', 'key', 'lease'],
    args: ['ring', 'bell', 'newInc', 'nonce', 'tidings', 'freshMs', 'staleMs', 'errorMs', 'envelope'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, and c:<scope> = seq of the last clear
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
  if not bytes or #bytes < 48 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 48 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    tags = string.sub(bytes, 49, tagsEnd),
  }
end

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = at + spans.freshMs
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs)))
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

-- Whether an entry of this cache still counts: same incarnation, nothing it belongs to cleared or stamped after its epoch.
local function valid(entry, cache)
  if entry.inc ~= inc then return false end
  for _, cleared in ipairs(redis.call('HMGET', meta, 'c:' .. cache, 'c:*')) do
    if cleared and tonumber(cleared) > entry.epoch then return false end
  end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, cache)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, cache) then return bytes, entry end
  redis.call('DEL', key)
  return nil
end

-- One key's fence with a new value: the lease goes, then the notice, then the value under the new position.
local key = KEYS[4] -- the entry
local lease = KEYS[5] -- its lease
local newInc = ARGV[3] -- incarnation to begin where there is none
local nonce = ARGV[4] -- of the notice
local tidings = ARGV[5] -- its payload
local freshMs = tonumber(ARGV[6]) -- span of freshness
local staleMs = tonumber(ARGV[7]) -- span after it in which the old value may be served
local errorMs = tonumber(ARGV[8]) -- span after it in which the old value may replace an error
local envelope = ARGV[9] -- the value with its header, whose times, incarnation and epoch are blank

-- A full server takes the fence, and the value is as good as evicted.
local refusal, full = checkRoom(key)
if refusal and not full then return refusal end
redis.call('DEL', lease, key)
ensure(newInc)
announce('k', tidings, nonce)
if not full then store(key, envelope, seq, now(), { freshMs = freshMs, staleMs = staleMs, errorMs = errorMs }) end
return { inc, seq, head }
`,
  },
  stamp: {
    sha: 'e27fd9ce49dd04fdfd0795a9ed4218114dc685db',
    keys: ['meta', 'stamps', 'log'],
    args: ['ring', 'bell', 'newInc', 'nonce', 'tidings', 'scope', 'tags', 'most'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, and c:<scope> = seq of the last clear
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
  if not bytes or #bytes < 48 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 48 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    tags = string.sub(bytes, 49, tagsEnd),
  }
end

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = at + spans.freshMs
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs)))
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

-- Whether an entry of this cache still counts: same incarnation, nothing it belongs to cleared or stamped after its epoch.
local function valid(entry, cache)
  if entry.inc ~= inc then return false end
  for _, cleared in ipairs(redis.call('HMGET', meta, 'c:' .. cache, 'c:*')) do
    if cleared and tonumber(cleared) > entry.epoch then return false end
  end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, cache)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, cache) then return bytes, entry end
  redis.call('DEL', key)
  return nil
end

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
`,
  },
  sync: {
    sha: 'c43b817ca522181f15e3fcca9c387d34e5b40ad9',
    keys: ['meta', 'stamps', 'log'],
    args: ['ring', 'bell', 'newInc', 'most', 'withLog', 'mostNonces'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, and c:<scope> = seq of the last clear
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
  if not bytes or #bytes < 48 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 48 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    tags = string.sub(bytes, 49, tagsEnd),
  }
end

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = at + spans.freshMs
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs)))
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

-- Whether an entry of this cache still counts: same incarnation, nothing it belongs to cleared or stamped after its epoch.
local function valid(entry, cache)
  if entry.inc ~= inc then return false end
  for _, cleared in ipairs(redis.call('HMGET', meta, 'c:' .. cache, 'c:*')) do
    if cleared and tonumber(cleared) > entry.epoch then return false end
  end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, cache)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, cache) then return bytes, entry end
  redis.call('DEL', key)
  return nil
end

-- Where the shard stands: position, floor, clears, its newest stamps, and the nonces in its log.
local newInc = ARGV[3] -- incarnation to begin where there is none
local most = tonumber(ARGV[4]) -- stamps to bring
local withLog = ARGV[5] -- 1 = bring the nonces
local mostNonces = ARGV[6] -- bound of these

checkWritable()
ensure(newInc)

local clears = {}
local fields = redis.call('HGETALL', meta)
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 2) == 'c:' then
    clears[#clears + 1] = string.sub(fields[i], 3)
    clears[#clears + 1] = fields[i + 1]
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
return { now(), inc, seq, head, floor, clears, newest, more, nonces }
`,
  },
  write: {
    sha: '03931c93ccf3f70c0d140f559f30d6a6880121c4',
    keys: ['meta', 'stamps', 'log', 'key', 'lease'],
    args: ['ring', 'bell', 'newInc', 'nonce', 'kind', 'tidings'],
    text: String.raw`-- What every script shares: the shard's metadata, its notices, and what makes an entry valid.
local meta = KEYS[1] -- hash of inc, seq, head, floor, and c:<scope> = seq of the last clear
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
  if not bytes or #bytes < 48 or string.byte(bytes) ~= 1 then return nil end
  local tagsEnd = 48 + struct.unpack('>I2', bytes, 47)
  if #bytes < tagsEnd then return nil end
  return {
    inc = string.sub(bytes, 29, 36),
    epoch = read48(bytes, 37),
    freshUntil = read48(bytes, 11),
    tags = string.sub(bytes, 49, tagsEnd),
  }
end

-- Stores an envelope, and writes into its header what only the shard knows: the times, the incarnation, the epoch.
local function store(key, envelope, epoch, at, spans)
  local fresh = at + spans.freshMs
  local known = write48(at) .. write48(fresh) .. write48(fresh + spans.staleMs) .. write48(fresh + spans.errorMs) .. inc .. write48(epoch)
  redis.call('SET', key, envelope, 'PX', digits(spans.freshMs + math.max(spans.staleMs, spans.errorMs)))
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

-- Whether an entry of this cache still counts: same incarnation, nothing it belongs to cleared or stamped after its epoch.
local function valid(entry, cache)
  if entry.inc ~= inc then return false end
  for _, cleared in ipairs(redis.call('HMGET', meta, 'c:' .. cache, 'c:*')) do
    if cleared and tonumber(cleared) > entry.epoch then return false end
  end
  return #entry.tags == 0 or (entry.epoch >= floor and untouched(cache, entry.tags, entry.epoch))
end

-- The bytes of a valid entry and its header; what is not valid is deleted.
local function readEntry(key, cache)
  local bytes = redis.call('GET', key)
  if not bytes then return nil end
  local entry = open(bytes)
  if entry and valid(entry, cache) then return bytes, entry end
  redis.call('DEL', key)
  return nil
end

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
`,
  },
} as const
