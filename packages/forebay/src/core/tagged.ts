/**
 * The tagged form: every value that a structured clone knows, as bytes. It is written by tagged-writer.ts and read by tagged-reader.ts, and
 * what is written today must be read for ever: a tag is never given another meaning, and golden bytes hold us to that.
 *
 * A value is a tag and what the table says. `count` is a whole number, seven bits a byte, the lowest first; `text` a count of bytes and the
 * bytes; doubles, and the elements of typed arrays, are little endian. Nothing may follow the value.
 *
 * Objects, arrays and all instances are numbered in the order in which they begin, and one that occurs again is a `reference` to its
 * number: so cycles and shared parts come back as they were. Names of fields are numbered too: a name is a count, 0 and a value (`utf8` or
 * `utf16`) the first time, then 1, 2, … for the first, second, … name.
 *
 * Lengths are checked against the bytes that are left before anything is made, so a value takes no more memory than a small multiple of its
 * bytes, whatever they claim.
 */
export const tags = {
  undefined: 0x00,
  null: 0x01,
  false: 0x02,
  true: 0x03,
  /** -2^31 to 2^31 - 1. count: 2n, or -2n - 1 below zero. */
  integer: 0x04,
  double: 0x05,
  /** text */
  utf8: 0x06,
  /** text, little endian: what is not well-formed Unicode. */
  utf16: 0x07,
  /** text: the number in hexadecimal. */
  bigint: 0x08,
  /** text: the number without its sign in hexadecimal. */
  negativeBigint: 0x09,
  /** count: the number of an object that has begun before. */
  reference: 0x0a,
  /** An element that is not there; only in arrays. */
  hole: 0x0b,
  /** count of fields, each a name and a value. */
  object: 0x10,
  /** count of elements, each a value or a hole. */
  array: 0x11,
  /** As `array`, then count of fields, each a name and a value. */
  arrayWithFields: 0x12,
  /** count of entries, each a key and a value. */
  map: 0x13,
  /** count of values. */
  set: 0x14,
  /** double: ms since 1970, NaN for an invalid date. */
  date: 0x15,
  /** A value, utf8 or utf16: source. text: flags. */
  regexp: 0x16,
  /** count: its class's place. Twice, for what the language hides and for what it lists: count of fields, each a name and a value. */
  error: 0x17,
  /** A value: the primitive in the box. */
  boxed: 0x18,
  /** count of bytes, then these. */
  buffer: 0x19,
  /** count: its class's place. count of bytes, then these. */
  view: 0x1a,
  /** text: the codec's name. A value: what the codec has made of the instance. */
  instance: 0x1b,
} as const

/** How deep a value may be nested, in any form. */
export const deepest = 200
/** Longest source of a regular expression, in bytes. */
export const longestRegExp = 8_192
/** Most elements of arrays that may be missing in one value. */
export const mostHoles = 65_536
