import type { Plan, RelayPlace, Said, WriterPlace } from './messages.js'

/** What the parent has started this process with. */
export const plan = JSON.parse(process.argv[2] ?? '') as Plan

// Nobody outlives the test.
process.on('disconnect', () => process.exit())

/** Resolves when it has left this process: what was said is heard, even if the process dies next. */
export function say(message: Said): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, () => resolve())
  })
}

/** Says where this process is, and ends it there if `dieAt` is this place, as `kill -9` does: nothing is closed, nothing is sent. */
export async function at(place: WriterPlace | RelayPlace, dieAt: string | undefined): Promise<void> {
  const dying = place === dieAt
  await say({ is: 'at', place, dying })
  if (dying) process.kill(process.pid, 'SIGKILL')
}
