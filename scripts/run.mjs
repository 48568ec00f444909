// node scripts/run.mjs <workspace folder> <entry> [arguments]: installs and builds what is missing, then runs the built entry.
import { join } from 'node:path'
import { build } from './build.mjs'
import { ensureInstalled } from './install.mjs'
import { becomeNode } from './become.mjs'

const [workspace, entry, ...args] = process.argv.slice(2)
if (workspace === undefined || entry === undefined) throw new Error('usage: node scripts/run.mjs <workspace folder> <entry> [arguments]')

// Programs run here print JSON on stdout when asked to: what the preparation says must not be in it.
console.log = console.error
await ensureInstalled()
await build([workspace])
becomeNode([join(workspace, entry), ...args])
