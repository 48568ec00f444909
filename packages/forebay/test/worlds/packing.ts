import type { Bytes } from '../../src/core/bytes.js'
import type { Clock } from '../../src/core/clock.js'
import { decodeValue } from '../../src/core/codec.js'
import { codecBits, compressionOf, type Packing } from '../../src/core/packing.js'
import { createPacking } from '../../src/system/packing.js'
import type { SimRandom } from '../../src/testing/sim-random.js'
import type { OriginValue, Versioned } from './origin.js'

/** The longest that a value is on the thread pool. */
const longestAsideMs = 20

/** Compression that leaves out the names of a value's fields, and that takes its time about half the time. */
export function worldPacking(clock: Clock, random: SimRandom): Packing {
  const perhapsLater = (bytes: Bytes): Bytes | Promise<Bytes> => {
    if (random.chance(0.5)) return bytes
    return new Promise((resolve) => void clock.after(random.between(0, longestAsideMs), () => resolve(bytes)))
  }
  return {
    ...createPacking({ aside: false }),
    compress: (bytes) => perhapsLater(shorten(bytes)),
    decompress: (bytes) => perhapsLater(lengthen(bytes)),
  }
}

/** The value in a payload of a world. */
export function valueIn(codec: number, payload: Bytes): OriginValue {
  const whole = compressionOf(codec) === undefined ? payload : lengthen(payload.subarray(4))
  return decodeValue(codec & codecBits.value, whole.subarray(startOf(whole))) as OriginValue
}

/** Where the value begins: a validator before it has a length, whose first byte is 0 as that of no JSON. */
function startOf(bytes: Bytes): number {
  return bytes[0] === 0 ? 2 + (bytes[1] ?? 0) : 0
}

function shorten(bytes: Bytes): Bytes {
  const start = startOf(bytes)
  const value = bytes.length === start ? null : (JSON.parse(Buffer.from(bytes.subarray(start)).toString()) as Versioned | null)
  if (value === null) return bytes
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(JSON.stringify([value.key, value.version, value.by]))])
}

function lengthen(bytes: Bytes): Bytes {
  const start = startOf(bytes)
  const [key, version, by] = JSON.parse(Buffer.from(bytes.subarray(start)).toString()) as [string, number, number]
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(JSON.stringify({ key, version, by }))])
}
