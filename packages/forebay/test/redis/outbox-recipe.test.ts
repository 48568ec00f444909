import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { until } from '../../../../scripts/until.mjs'
import { SimRandom } from '../../src/testing/sim-random.js'
import { noHurry } from './no-hurry.js'
import { compile } from './outbox-recipe/children.js'
import { relayPlaces, type Work, writerPlaces } from './outbox-recipe/messages.js'
import { type Postgres, startPostgres } from './outbox-recipe/postgres.js'
import { readRecipe } from './outbox-recipe/recipe.js'
import { authorOf, everyDeath, saidDuring, someWork, Stage } from './outbox-recipe/stage.js'

/** More rounds search longer; another seed is another order of things. */
const { FOREBAY_SEED, FOREBAY_OUTBOX_ROUNDS } = process.env
const rounds = Number(FOREBAY_OUTBOX_ROUNDS ?? 60)
const seed = FOREBAY_SEED ?? '1'
const replay = `FOREBAY_SEED=${seed} FOREBAY_OUTBOX_ROUNDS=${rounds} npx vitest run packages/forebay/test/redis/outbox-recipe.test.ts`
/** Relays at work; each that dies is replaced. */
const relays = 2
const claimMs = 100

let postgres: Postgres
let programs: Awaited<ReturnType<typeof compile>>
let stage: Stage

beforeAll(async () => {
  ;[postgres, programs] = await Promise.all([startPostgres(), compile()])
  const recipe = readRecipe(claimMs)
  stage = new Stage({
    postgres: postgres.url,
    redis: { url: inject('redisUrl'), ...noHurry },
    service: `outbox-${process.pid}`,
    recipe,
    program: programs.program,
  })
  await stage.open(relays)
})
afterAll(async () => {
  await stage?.close()
  programs?.remove()
  await postgres?.stop()
})

describe('the outbox of the guide, on a real database', () => {
  it(
    'leaves nothing old, whoever is killed where',
    async () => {
      const random = new SimRandom(seed)
      const faults = [...writerPlaces, ...relayPlaces, 'writer anywhere', 'relay anywhere'] as const
      let writer = stage.start('writer')
      let next = stage.start('writer')
      const write = async (work: Work, killAt?: number) => {
        if ((await stage.write(writer, work, killAt)) === 'finished') return
        writer = next
        next = stage.start('writer')
      }
      for (let round = 0; round < rounds; round++) {
        const fault = faults[round % faults.length]
        const relayPlace = fault === 'relay anywhere' ? 'anywhere' : relayPlaces.find((place) => place === fault)
        await stage.warm()
        if (relayPlace === undefined) {
          const dieAt = writerPlaces.find((place) => place === fault)
          const work = someWork(random, round, dieAt)
          await write(work, dieAt === undefined ? 1 + random.below(saidDuring(work)) : undefined)
        } else {
          const before = stage.relayDeaths()
          await stage.endRelays(relayPlace, random)
          // The relay that is to die may not be the one that gets the rows.
          for (; stage.relayDeaths() === before; await stage.recovered()) await write(someWork(random, round))
        }
        await stage.recovered()
        expect(await stage.lost(), `round ${round}, ${fault}; ${replay}`).toEqual([])
        await stage.allNew()
      }
      expect(stage.failures).toEqual([])
    },
    20_000 * rounds, // on the busiest machine
  )

  it('has published every transaction that was committed, some of them twice, and none that was rolled back', async () => {
    const committed = await stage.committedRows()
    const published = [...stage.published.keys()]
    expect(published.sort()).toEqual(committed.sort())
    expect([...stage.published.values()].filter((times) => times > 1).length).toBeGreaterThan(0)
    const rolledBack = [...stage.rows.keys()].filter((id) => !committed.includes(id))
    expect(committed.length).toBeGreaterThan(rounds / 2)
    expect(rolledBack.length).toBeGreaterThan(rounds / 6)
  })

  it.runIf(rounds >= 11)('has seen every death', () => {
    expect(everyDeath.filter((death) => !stage.deaths.has(death))).toEqual([])
  })

  it('would lose the news of every writer who is killed between commit and invalidation, without it', async () => {
    const losses: string[] = []
    const transactions = Object.keys(authorOf).map((book) => ({ book, author: 0, title: 'control', end: 'commit' }) as const)
    for (const one of transactions) {
      const publisher = stage.start('publisher')
      await publisher.ready
      await stage.warm()
      expect(await stage.write(publisher, { transactions: [one], dieAt: 'committed' })).toBe('dead')
      const lost = async () => (await stage.lost()).filter((loss) => loss.startsWith(one.book))
      await until('its news is lost', async () => (await lost()).length > 0)
      losses.push(...(await lost()))
    }
    expect(losses).toHaveLength(transactions.length)
    const survivor = stage.start('publisher')
    expect(await stage.write(survivor, { transactions, dieAt: undefined })).toBe('finished')
    expect(await stage.lost()).toEqual([])
    expect(stage.failures).toEqual([])
  })
})
