// Turns src/redis/scripts/*.lua into src/redis/scripts.gen.ts: each script with the prelude before it, its SHA-1, and the names of its
// keys and arguments in their order, read from its binding block. Run it after changing a script; a test compares the result.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = new URL('../src/redis/scripts/', import.meta.url)
const target = new URL('../src/redis/scripts.gen.ts', import.meta.url)
const binding = /^local (\w+) = (?:tonumber\()?(KEYS|ARGV)\[(\d+)\]\)? -- \S.*$/
/** The keys after those that have a name of their own. */
const rest = /^local (\w+) = \{ unpack\((KEYS), (\d+)\) \} -- \S.*$/

/** The text of the generated file. */
export function generateScripts() {
  const prelude = readFileSync(new URL('_prelude.lua', folder), 'utf8')
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.lua') && !file.startsWith('_'))
    .sort()
  return `${head}\nexport const scripts = {\n${names.map((file) => emit(file, prelude)).join('')}} as const\n`
}

const head = `// Made from scripts/*.lua by packages/forebay/scripts/generate-scripts.mjs; not to be edited.

/** The scripts by name: SHA-1, the names of their keys and arguments in order, text. */`

/**
 * @param {string} file
 * @param {string} prelude
 */
function emit(file, prelude) {
  const text = prelude + readFileSync(new URL(file, folder), 'utf8')
  const { keys, args } = bindings(file, text)
  if (/`|\$\{/.test(text)) throw new Error(`${file}: a script holds no backtick and no \${`)
  const lines = [`sha: '${createHash('sha1').update(text).digest('hex')}',`, list('keys', keys), list('args', args)]
  return `  ${file.slice(0, -'.lua'.length)}: {\n${lines.map((line) => `    ${line}\n`).join('')}    text: String.raw\`${text}\`,\n  },\n`
}

/**
 * One line, or one for each word where that is too long, as the formatter has it.
 * @param {string} name
 * @param {string[]} words
 */
function list(name, words) {
  const quoted = words.map((word) => `'${word}'`)
  const line = `${name}: [${quoted.join(', ')}],`
  return line.length + 4 <= 140 ? line : `${name}: [\n${quoted.map((word) => `      ${word},\n`).join('')}    ],`
}

/**
 * The names bound to KEYS[1..] and ARGV[1..]; each number once, none left out, and neither word anywhere else.
 * @param {string} file
 * @param {string} text
 */
function bindings(file, text) {
  /** @type {{ KEYS: string[], ARGV: string[] }} */
  const found = { KEYS: [], ARGV: [] }
  for (const line of text.split('\n')) {
    if (!/KEYS|ARGV/.test(line)) continue
    const more = rest.test(line)
    const [, name = '', list, index] = (more ? rest : binding).exec(line) ?? []
    if (list !== 'KEYS' && list !== 'ARGV') throw new Error(`${file}: not a binding: ${line}`)
    if (Number(index) !== found[list].push(more ? `...${name}` : name)) throw new Error(`${file}: out of order: ${line}`)
  }
  return { keys: found.KEYS, args: found.ARGV }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(target, generateScripts())
