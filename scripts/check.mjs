// `npm run check`: everything that needs no server, in well under a minute.
import { ensureInstalled } from './install.mjs'
import { lint, packageShape, report, types, unitTests } from './stages.mjs'

// Two lanes for two cores.
const LANES = [[types, lint, packageShape], [unitTests]]

await ensureInstalled()
const outcomes = await Promise.all(
  LANES.map(async (lane) => {
    const results = []
    for (const stage of lane) results.push(await report(stage))
    return results
  }),
)
if (outcomes.flat().some(({ failed, skipped }) => failed + skipped > 0)) process.exitCode = 1
