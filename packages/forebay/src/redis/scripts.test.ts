import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { generateScripts } from '../../scripts/generate-scripts.mjs'

it('the generated scripts are those of the .lua files', () => {
  expect(readFileSync(new URL('./scripts.gen.ts', import.meta.url), 'utf8')).toBe(generateScripts())
})
