// Measures one subject, in runs of the length that the parent asks for.
import { Calls } from './calls.js'
import { subjects } from './subjects/index.js'
import type { Subject, SubjectPlan } from './subjects/subject.js'

let subject: Subject
let callers = 1

new Calls(process, {
  async open(plan: SubjectPlan) {
    const open = subjects[plan.subject]
    if (open === undefined) throw new Error(`no subject ${plan.subject}`)
    subject = await open(plan)
    callers = plan.callers
  },
  /** Operations a second over at least this time. */
  run: (ms: number) => paces[subject.pace](ms, subject),
  async close() {
    await subject.check?.()
    await subject.close()
  },
})
process.on('disconnect', () => process.exit())

const batch = 2_000
const paces = { returns: inTurn, settles: awaited, waits: together }

function inTurn(ms: number, { keys, run }: Subject): number {
  const startedMs = performance.now()
  let done = 0
  let i = 0
  do {
    for (let b = 0; b < batch; b++) {
      run(i)
      if (++i === keys) i = 0
    }
    done += batch
  } while (performance.now() - startedMs < ms)
  return rate(done, startedMs)
}

/** No timer would come in between, so the time is looked at now and then. */
async function awaited(ms: number, { keys, run }: Subject): Promise<number> {
  const startedMs = performance.now()
  let done = 0
  let i = 0
  do {
    for (let b = 0; b < batch; b++) {
      await run(i)
      if (++i === keys) i = 0
    }
    done += batch
  } while (performance.now() - startedMs < ms)
  return rate(done, startedMs)
}

/** Round robin over all keys by callers who work side by side, until a timer says that it is enough. */
async function together(ms: number, { keys, run }: Subject): Promise<number> {
  let over = false
  setTimeout(() => {
    over = true
  }, ms)
  let i = 0
  let done = 0
  const caller = async (): Promise<void> => {
    while (!over) {
      const next = i++
      if (i === keys) i = 0
      await run(next)
      done++
    }
  }
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: callers }, caller))
  return rate(done, startedMs)
}

function rate(done: number, startedMs: number): number {
  return (1_000 * done) / (performance.now() - startedMs)
}
