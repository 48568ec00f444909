/** Read and never written: a hit that took part in somebody's load is no hit in Redis. */
export const readKeys: readonly string[] = Array.from({ length: 400 }, (_, i) => `read${i}`)
export const writtenKeys: readonly string[] = Array.from({ length: 100 }, (_, i) => `written${i}`)

export function pick(keys: readonly string[]): string {
  return keys[Math.floor(Math.random() * keys.length)] ?? ''
}
