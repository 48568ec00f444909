import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'

/** The folder of the library's sources. */
export const SOURCE = fileURLToPath(new URL('../src/', import.meta.url))

/** One import or re-export, whatever its form. */
export interface Import {
  /** The specifier as written. */
  readonly specifier: string
  /** The file it names, relative to the sources; undefined for a package or a builtin. */
  readonly file: string | undefined
  /** `type` vanishes when compiled; `lazy` is `import()`; `static` happens as soon as the module is loaded. */
  readonly kind: 'static' | 'type' | 'lazy'
}

/** One source file: its path below the sources with forward slashes, and what it imports and touches. */
export interface Module {
  readonly path: string
  readonly imports: readonly Import[]
  /** Ambient sources of time, chance and I/O that the file mentions, such as `Date.now`. */
  readonly ambient: readonly string[]
}

/** Every source file of the library, without its tests. */
export function readModules(): readonly Module[] {
  const paths = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  return paths.sort().map((path) => parseModule(path, readFileSync(join(SOURCE, path), 'utf8')))
}

/** Reads one file; the text is an argument so that the rules can be tried on files that break them. */
export function parseModule(path: string, text: string): Module {
  const { module, program, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`)
  const imports: Import[] = []
  const add = (specifier: string, kind: Import['kind']) => imports.push({ specifier, kind, file: fileOf(path, specifier) })
  for (const one of module.staticImports) {
    // An import without names runs the module; one with names is gone when all of them are types.
    const type = one.entries.length > 0 && one.entries.every((entry) => entry.isType)
    add(one.moduleRequest.value, type ? 'type' : 'static')
  }
  for (const entry of module.staticExports.flatMap((one) => one.entries)) {
    if (entry.moduleRequest !== null) add(entry.moduleRequest.value, entry.isType ? 'type' : 'static')
  }
  const types = importTypes(program)
  for (const specifier of types) add(specifier, 'type')
  for (const { moduleRequest } of module.dynamicImports) {
    add(text.slice(moduleRequest.start, moduleRequest.end).replace(/^['"`]|['"`]$/g, ''), 'lazy')
  }
  return { path, imports, ambient: ambientNames(program) }
}

function fileOf(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const target = join(SOURCE, dirname(from), specifier).replace(/\.js$/, '.ts')
  return relative(SOURCE, target).split(sep).join('/')
}

type Node = { readonly type: string } & Readonly<Record<string, unknown>>

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

function* walk(node: Node): Generator<Node> {
  yield node
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child)
  }
}

/** The modules named by `import('…')` in a type. */
function importTypes(program: unknown): string[] {
  if (!isNode(program)) return []
  return [...walk(program)].flatMap((node) => {
    if (node.type !== 'TSImportType' || !isNode(node.source)) return []
    return [String(node.source.value)]
  })
}

const AMBIENT = new Set(
  'setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate performance process crypto fetch'.split(' '),
)
const AMBIENT_MEMBERS = new Set(['Date.now', 'Math.random', 'AbortSignal.timeout'])

/** A name that the file binds anywhere is taken for its own everywhere in it: a parameter called `process` is a fine name. */
function ambientNames(program: unknown): string[] {
  if (!isNode(program)) return []
  const nodes = [...walk(program)]
  const own = new Set(nodes.flatMap(boundNames))
  const found = new Set<string>()
  for (const node of nodes) {
    const name = ambientName(node)
    if (name !== undefined && !own.has(name)) found.add(name)
    for (const global of bareReferences(node)) if (!own.has(global)) found.add(global)
  }
  return [...found].sort()
}

function ambientName(node: Node): string | undefined {
  if (node.type === 'MemberExpression') {
    const name = `${identifier(node.object)}.${node.computed === true ? '?' : identifier(node.property)}`
    if (AMBIENT_MEMBERS.has(name)) return name
    if (name.startsWith('globalThis.') && AMBIENT.has(name.slice('globalThis.'.length))) return name
  }
  if (node.type === 'NewExpression' && identifier(node.callee) === 'Date' && isEmpty(node.arguments)) return 'new Date()'
  if (node.type === 'CallExpression' && identifier(node.callee) === 'Date') return 'Date()'
  return undefined
}

/** The ambient globals among a node's operands: every child identifier that is a value, not the name of a member, key or type. */
function bareReferences(node: Node): string[] {
  if (node.type.startsWith('TS') && !node.type.endsWith('Expression')) return []
  const notAValue = node.computed === true ? [] : ['property', 'key', 'label', 'local', 'imported', 'exported', 'meta']
  const children = Object.entries(node).flatMap(([role, value]) => {
    if (notAValue.includes(role)) return []
    return Array.isArray(value) ? value : [value]
  })
  return children.map(identifier).filter((name): name is string => name !== undefined && AMBIENT.has(name))
}

function boundNames(node: Node): string[] {
  switch (node.type) {
    case 'VariableDeclarator':
      return isNode(node.id) ? patternNames(node.id) : []
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
    case 'TSDeclareFunction':
    case 'TSFunctionType':
    case 'TSMethodSignature':
      return Array.isArray(node.params) ? node.params.filter(isNode).flatMap(patternNames) : []
    case 'ImportSpecifier':
      return isNode(node.local) ? patternNames(node.local) : []
    default:
      return []
  }
}

function patternNames(pattern: Node): string[] {
  const name = identifier(pattern)
  if (name !== undefined) return [name]
  switch (pattern.type) {
    case 'ObjectPattern':
    case 'ArrayPattern':
      return [pattern.properties ?? pattern.elements].flat().filter(isNode).flatMap(patternNames)
    case 'Property':
      return isNode(pattern.value) ? patternNames(pattern.value) : []
    case 'AssignmentPattern':
      return isNode(pattern.left) ? patternNames(pattern.left) : []
    case 'RestElement':
      return isNode(pattern.argument) ? patternNames(pattern.argument) : []
    case 'TSParameterProperty':
      return isNode(pattern.parameter) ? patternNames(pattern.parameter) : []
    default:
      return []
  }
}

const identifier = (value: unknown): string | undefined => {
  if (!isNode(value) || value.type !== 'Identifier') return undefined
  return String(value.name)
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0
