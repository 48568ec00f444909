import { readFileSync } from 'node:fs'

const page = new URL('../../../../../docs/guide/upstream.md', import.meta.url)

/** The statements of the guide, word for word but for the time that a claim lasts: the test does not wait five seconds for each. */
export function readRecipe(claimMs: number) {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/^```sql\n(.*?)^```$/gms)].map(([, code = '']) => code)
  const [tables = '', write = '', claim = '', remove = ''] = blocks
  const [begin = '', update = '', insert = '', commit = ''] = write.replaceAll(/ *--.*$/gm, '').split(';\n')
  const lasting = "interval '5 seconds'"
  if (blocks.length !== 4 || !insert.startsWith('INSERT') || !claim.includes(lasting)) throw new Error(`${page} is not as it was`)
  return { tables, begin, update, insert, commit, claim: claim.replace(lasting, `interval '${claimMs} milliseconds'`), remove }
}

export type Recipe = ReturnType<typeof readRecipe>
