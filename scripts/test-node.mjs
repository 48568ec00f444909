// `npm run test:node 24`: the tests under another Node, which comes from the npm registry into a temporary folder and goes again.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { run } from './command.mjs'
import { ensureInstalled } from './install.mjs'
import { ensureServer } from './redis-servers.mjs'
import { ROOT } from './root.mjs'

const [version, ...selection] = process.argv.slice(2)
if (version === undefined || !/^\d[\d.]*$/.test(version)) throw new Error('usage: npm run test:node <version> [-- arguments for vitest]')

await ensureInstalled()
ensureServer()
const folder = mkdtempSync(join(tmpdir(), 'forebay-node-'))
try {
  process.exitCode = await test(version)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** @param {string} wanted */
async function test(wanted) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  // Without scripts: the package is the program, there is nothing to fetch.
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--prefix', folder, `${name}@${wanted}`]
  const installed = await run('npm', install, { cwd: folder })
  if (installed.code !== 0) {
    console.error(installed.output)
    return installed.code
  }
  const bin = join(folder, 'node_modules', name, 'bin')
  const node = join(bin, process.platform === 'win32' ? 'node.exe' : 'node')
  const said = await run(node, ['--version'])
  console.log(`testing under Node ${said.output.trim()}`)
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` }
  const tests = await run(node, [join(ROOT, 'node_modules', '.bin', 'vitest'), 'run', ...selection], { env, show: true })
  return tests.code
}
