// What `npm run check` and `npm test` are made of. A stage resolves with what it found; it never rejects.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from './build.mjs'
import { run, runTool } from './command.mjs'
import { ROOT } from './root.mjs'
import { readJson, workspaces } from './workspaces.mjs'

/** @typedef {{ passed: number, failed: number, skipped: number, output: string }} Outcome */
/** @typedef {{ name: string, run: () => Promise<Outcome> }} Stage */
/** @typedef {{ status: string, assertionResults: { status: string }[] }} TestFile */

/** Every workspace and these scripts, against the sources of their neighbours. */
export const types = stage('types', async () => {
  const projects = ['scripts', ...workspaces().map(({ dir }) => dir)].filter((dir) => existsSync(join(ROOT, dir, 'tsconfig.json')))
  return Promise.all(projects.map((dir) => runTool('tsc', ['-p', dir])))
})

export const lint = stage('lint and format', async () => [await runTool('biome', ['ci', '--colors=off', '--error-on-warnings', '.'])])

/** What a user would install: the entry points exist, their types resolve, nothing is missing from the package. */
export const packageShape = stage('build and package shape', async () => {
  await build()
  const packages = workspaces().filter(({ dir, path }) => dir.startsWith('packages/') && !readJson(join(path, 'package.json')).private)
  const checks = packages.map(async ({ path: cwd }) => [
    await requireEveryEntry(cwd),
    await runTool('publint', ['--strict'], { cwd }),
    await runTool('attw', ['--pack', '.', '--profile', 'esm-only', '--no-color'], { cwd }),
  ])
  return (await Promise.all(checks)).flat()
})

/**
 * CommonJS users load the package with `require`, which a single top-level await would break.
 * @param {string} cwd
 */
function requireEveryEntry(cwd) {
  const { name, exports } = readJson(join(cwd, 'package.json'))
  const entries = Object.keys(exports).map((entry) => `require('${name}${entry.slice(1)}')`)
  return run(process.execPath, ['--no-warnings', '--input-type=commonjs', '-e', entries.join(';')], { cwd })
}

/** The tests that need nothing but Node. */
export const unitTests = tests('unit tests', ['--project', 'unit'])

/** All of them: unit, simulated worlds, real Redis. */
export const allTests = tests('tests', [])

/**
 * A program of ours that says with its exit code whether all was well, such as a short soak run.
 * @param {string} name
 * @param {readonly string[]} args for Node
 * @returns {Stage}
 */
export function program(name, args) {
  return stage(name, async () => [await run(process.execPath, args)])
}

/**
 * Runs one stage, prints one line about it, and its output if anything failed.
 * @param {Stage} one
 */
export async function report(one) {
  const startedMs = performance.now()
  const outcome = await one.run()
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  const bad = outcome.failed + outcome.skipped > 0
  const counts = outcome.passed > 1 || bad ? ` (${tally(outcome)})` : ''
  if (bad) console.log(outcome.output.trimEnd())
  console.log(`${bad ? 'FAILED' : 'ok    '} ${one.name}${counts} ${seconds} s`)
  return outcome
}

/** @param {Omit<Outcome, 'output'>} outcome */
export function tally({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}

/**
 * A stage of programs that all have to exit with 0; it counts as one check.
 * @param {string} name
 * @param {() => Promise<{ code: number, output: string }[]>} work
 * @returns {Stage}
 */
function stage(name, work) {
  return {
    name,
    async run() {
      try {
        const failed = (await work()).filter(({ code }) => code !== 0)
        return {
          passed: failed.length === 0 ? 1 : 0,
          failed: failed.length,
          skipped: 0,
          output: failed.map(({ output }) => output).join('\n'),
        }
      } catch (error) {
        return { passed: 0, failed: 1, skipped: 0, output: error instanceof Error ? error.message : String(error) }
      }
    },
  }
}

/**
 * @param {string} name
 * @param {readonly string[]} selection arguments for vitest
 * @returns {Stage}
 */
function tests(name, selection) {
  return {
    name,
    async run() {
      const folder = mkdtempSync(join(tmpdir(), 'forebay-results-'))
      const results = join(folder, 'results.json')
      try {
        const args = ['run', ...selection, '--reporter=default', '--reporter=json', `--outputFile.json=${results}`]
        const { code, output } = await runTool('vitest', args)
        return { ...count(code, existsSync(results) ? readJson(results).testResults : []), output }
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    },
  }
}

/**
 * Counts tests. A file that failed outside its tests (it did not load, a hook threw) is one failure, and so is a run that went wrong
 * outside its files, or that ran nothing.
 * @param {number} code
 * @param {TestFile[]} files
 */
function count(code, files) {
  const statuses = files.flatMap((file) => file.assertionResults.map(({ status }) => status))
  const passed = statuses.filter((status) => status === 'passed').length
  const failedTests = statuses.filter((status) => status === 'failed').length
  const brokenFiles = files.filter((file) => file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'))
  const failed = failedTests + brokenFiles.length
  const unexplained = failed === 0 && (code !== 0 || statuses.length === 0) ? 1 : 0
  return { passed, failed: failed + unexplained, skipped: statuses.length - passed - failedTests }
}
