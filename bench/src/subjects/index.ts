import * as memory from './memory.js'
import * as peers from './peers.js'
import * as redis from './redis.js'
import type { OpenSubject } from './subject.js'

/** All that can be measured in a child process, by name. */
export const subjects: Readonly<Record<string, OpenSubject>> = {
  map: memory.map,
  'lru-cache': memory.lru,
  'memory hit': memory.hit,
  peek: memory.peek,
  structuredClone: memory.cloning,
  'memory hit, shared': memory.hitOf('shared', 'plain'),
  'memory hit, cloned': memory.hitOf('cloned', 'plain'),
  'memory hit, frozen with a date': memory.hitOf('frozen', 'dated'),
  'memory hit, cloned with a date': memory.hitOf('cloned', 'dated'),
  fill: redis.fill,
  GET: redis.get,
  'GET, auto-pipelined': redis.getPipelined,
  'redis hit': redis.hit,
  'redis hit, gzip': redis.hitGzip,
  'redis hit, brotli': redis.hitBrotli,
  MGET: redis.mget,
  'get many': redis.getMany,
  'MGET and SET': redis.plainMissMany,
  'miss many': redis.missMany,
  SET: redis.plainSet,
  set: redis.set,
  'set, gzip': redis.setGzip,
  'set, brotli': redis.setBrotli,
  DEL: redis.plainDelete,
  invalidate: redis.invalidate,
  'GET and SET': redis.plainMiss,
  'miss and fill': redis.miss,
  ...peers.subjects,
}
