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
  return decodeValue(codec & codecBits.value, whole) as OriginValue
}

function shorten(bytes: Bytes): Bytes {
  const value = bytes.length === 0 ? null : (JSON.parse(Buffer.from(bytes).toString()) as Versioned | null)
  return value === null ? bytes : Buffer.from(JSON.stringify([value.key, value.version, value.by]))
}

function lengthen(bytes: Bytes): Bytes {
  const [key, version, by] = JSON.parse(Buffer.from(bytes).toString()) as [string, number, number]
  return Buffer.from(JSON.stringify({ key, version, by }))
}
