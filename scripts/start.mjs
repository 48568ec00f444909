// `npm start`: the reference shop, from a fresh clone to a running service in one command.
import { build } from './build.mjs'
import { ensureInstalled } from './install.mjs'
import { becomeNode } from './become.mjs'

await ensureInstalled()
await build(['examples/shop'])
becomeNode(['examples/shop/dist/main.js', ...process.argv.slice(2)])
