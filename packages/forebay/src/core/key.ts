import { show } from './duration.js'
import { ForebayError } from './errors.js'

/**
 * The canonical form of a key: one string for each distinct key, the same in every process.
 *
 * A string stands for itself. Everything else begins with `~`: `~n42` a number, `~j…` a structure as JSON with sorted names, `~s…` a
 * string that itself begins with `~`, `~h…` the SHA-256 of a canonical form that would be longer than 512 characters. So `1` and `'1'`
 * differ, the order of properties does not matter, and no key from outside can take another's form.
 */
const mark = 126 // ~
/** Canonical forms longer than this are replaced by their digest. */
export const longestKey = 512
const deepest = 16

/** In every Node from 20 on; the language's own types know it later. */
type Text = string & { isWellFormed(): boolean }

/** SHA-256 of a text, in hexadecimal. */
export type Digest = (text: string) => string

/** Without a look-up of the method, which costs a hit 6 ns once strings of many kinds have been seen. */
const charCodeAt = Function.prototype.call.bind(String.prototype.charCodeAt) as (text: string, at: number) => number

/**
 * Whether this key, and no other, has its own text for a canonical form, if one so long may have one: no entry is found under it then. The
 * quick test of the read path.
 */
export function standsForItself(key: unknown): key is string {
  return typeof key === 'string' && charCodeAt(key, 0) !== mark
}

/** The canonical form of any key; throws `E_KEY` for what cannot be one. */
export function canonicalKey(key: unknown, digest: Digest): string {
  const form = typeof key === 'string' ? stringForm(key) : typeof key === 'number' ? `~n${numberForm(key)}` : `~j${structureForm(key)}`
  return form.length > longestKey ? `~h${digest(form)}` : form
}

/** Without lone surrogates: those of different texts would become the same bytes. */
function isWellFormed(text: string): boolean {
  return (text as Text).isWellFormed()
}

function stringForm(key: string): string {
  // Two texts with different lone surrogates would become the same bytes in Redis, and so one user's key another's.
  if (!isWellFormed(key)) throw new ForebayError('E_KEY', `the key ${show(key)} is not well-formed Unicode`)
  return key.charCodeAt(0) === mark ? `~s${key}` : key
}

function numberForm(key: number): string {
  if (!Number.isFinite(key)) throw new ForebayError('E_KEY', `the key is ${key}; numbers in keys are finite`)
  return String(key === 0 ? 0 : key)
}

function structureForm(key: unknown): string {
  if (key === null || typeof key !== 'object') throw refused(key)
  return partForm(key, 0)
}

function partForm(part: unknown, depth: number): string {
  if (depth > deepest) throw new ForebayError('E_KEY', `the key is nested deeper than ${deepest} levels, or in a cycle`)
  if (part === null || typeof part === 'boolean') return String(part)
  if (typeof part === 'number') return numberForm(part)
  if (typeof part === 'string') {
    if (!isWellFormed(part)) throw new ForebayError('E_KEY', `a part of the key is not well-formed Unicode: ${show(part)}`)
    return JSON.stringify(part)
  }
  if (Array.isArray(part)) return `[${part.map((item) => partForm(item, depth + 1)).join(',')}]`
  if (typeof part !== 'object' || !isPlainObject(part)) throw refused(part)
  const fields = Object.entries(part).filter(([, value]) => value !== undefined)
  fields.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([name, value]) => `${partForm(name, depth)}:${partForm(value, depth + 1)}`).join(',')}}`
}

function refused(part: unknown): ForebayError {
  const what = part !== null && typeof part === 'object' ? `an instance of ${part.constructor?.name ?? 'an unknown class'}` : show(part)
  return new ForebayError(
    'E_KEY',
    `a key or a part of it is ${what}; keys are strings, numbers, or arrays and plain objects of strings, numbers, booleans and null`,
  )
}

/** An object literal or a bare object, of this realm or another. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

/** The shard a key belongs to: FNV-1a over the cache's name and the canonical key. Part of the data layout, never to change. */
export function shardOf(cache: string, key: string, shards: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < cache.length; i++) hash = Math.imul(hash ^ cache.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ 10, 0x01000193)
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % shards
}

/** Names of services and caches become part of keys and channels, so they are narrow. */
export function checkName(option: string, name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) {
    throw new ForebayError(
      'E_OPTION',
      `${option} is ${show(name)}; names have 1-64 letters, digits, '_', '-' or '.', and begin with a letter or digit`,
    )
  }
  return name
}

/** Most tags of one entry, and the longest tag in characters. */
export const mostTags = 64
export const longestTag = 256

/** Checks tags from outside and drops repetitions; throws `E_TAG`. */
export function checkTags(tags: readonly unknown[]): readonly string[] {
  if (!Array.isArray(tags)) throw new ForebayError('E_TAG', `tags are ${show(tags)}; an array of tags`)
  if (tags.length === 0) return tags as readonly string[]
  const distinct = new Set<string>()
  for (const tag of tags) {
    if (typeof tag !== 'string' || tag.length === 0 || tag.length > longestTag || !isWellFormed(tag)) {
      throw new ForebayError('E_TAG', `a tag is ${show(tag)}; tags are well-formed strings of 1-${longestTag} characters`)
    }
    distinct.add(tag)
  }
  if (distinct.size > mostTags) throw new ForebayError('E_TAG', `${distinct.size} tags at once; at most ${mostTags}`)
  return [...distinct]
}
