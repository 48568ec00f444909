// A process that takes over what others have kept, and keeps more, telling each line once it is kept, until it is killed.
import { openOutboxDirectory } from '../../../src/system/outbox-directory.js'

const place = JSON.parse(process.argv[2] ?? '') as { directory: string; service: string; id: string }
process.on('disconnect', () => process.exit()) // nobody outlives the test

const journal = openOutboxDirectory(place)
journal.takeOver((texts) =>
  journal.replace(
    texts
      .flatMap((text) =>
        text
          .split('\n')
          .slice(1, -1)
          .map((line) => `${line}\n`),
      )
      .join(''),
  ),
)
let count = 0

function keepOn(): void {
  const line = `${place.id} has kept ${count++}`
  journal.append(`${line}\n`)
  process.send?.(line, () => setTimeout(keepOn, 1)) // others want the machine too
}
keepOn()
