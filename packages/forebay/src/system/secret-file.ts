import { readFile } from 'node:fs/promises'

/** The secret that stands alone in a file, without the end of its line. */
export async function readSecret(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).replace(/\r?\n$/, '')
}
