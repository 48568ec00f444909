import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Takes a folder for this process alone, because an embedded store written by two processes loses data. The lock file
 * names its owner; one whose owner no longer runs (a crash) is taken over.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const file = join(folder, 'shop.lock')
  const owner = await readOwner(file)
  if (owner !== undefined && owner !== process.pid && runs(owner)) {
    throw new Error(`${folder} is in use by process ${owner}. Give this one another DATA_DIR (or remove ${file} if that is no shop).`)
  }
  await writeFile(file, String(process.pid))
  return () => rm(file, { force: true })
}

async function readOwner(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '') // no file: nobody's
  return Number(text) > 0 ? Number(text) : undefined
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM' // it runs, as another user
  }
}
