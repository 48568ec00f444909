import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { execFileSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = fileURLToPath(new URL('./docs-examples/', import.meta.url))

interface Example {
  readonly name: string
  readonly file: string
  readonly code: string
}

const guide = readdirSync(join(root, 'docs/guide'))
const pages = ['README.md', 'packages/forebay/README.md', ...guide.map((page) => `docs/guide/${page}`)]
const examples = pages.flatMap(examplesOf)

function examplesOf(page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ''], index) => {
    const line = text.slice(0, text.indexOf(code)).split('\n').length
    const name = `${page}:${line}`
    return { name, file: join(folder, `${page.replaceAll(/\W/g, '-')}-${index + 1}.ts`), code }
  })
}

describe('the examples in the documentation', () => {
  beforeAll(() => {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const { file, code } of examples) writeFileSync(file, code)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('compile under the strictest settings', () => {
    const config = join(folder, 'tsconfig.json')
    writeFileSync(config, JSON.stringify({ extends: '../../../../tsconfig.base.json', include: ['*.ts'] }))
    const tsc = join(root, 'node_modules/typescript/bin/tsc')
    try {
      execFileSync(process.execPath, [tsc, '-p', config], { encoding: 'utf8' })
    } catch (error) {
      expect.fail((error as { stdout: string }).stdout)
    }
  })

  test.each(examples)('$name runs', async ({ file }) => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    try {
      await import(/* @vite-ignore */ pathToFileURL(file).href)
    } finally {
      log.mockRestore()
    }
  })

  test.each(guide.filter((page) => page !== 'README.md'))('the README and the index by question lead to %s', (page) => {
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`(docs/guide/${page})`)
    expect(readFileSync(join(root, 'docs/guide/README.md'), 'utf8')).toMatch(new RegExp(`\\(${page}[#)]`))
  })

  test('there are some', () => {
    expect(examples.length, relative(root, folder)).toBeGreaterThan(5)
  })
})
