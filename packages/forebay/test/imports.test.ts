import { describe, expect, test } from 'vitest'
import { type Import, type Module, parseModule, readModules } from './module-graph.js'

/**
 * ARCHITECTURE.md's table: which layers (or single files) a layer may import besides itself, and which Node builtins. A new layer needs a row
 * here and there. A row for a single file holds in place of its layer's.
 */
const LAYERS: Readonly<Record<string, { imports: readonly string[]; builtins?: 'all' | readonly string[] }>> = {
  core: { imports: [] },
  system: { imports: ['core'], builtins: 'all' },
  config: { imports: ['core', 'engine/public.ts'] },
  memory: { imports: ['core'] },
  redis: { imports: ['core'], builtins: ['node:module', 'node:tls'] },
  engine: { imports: ['core'] },
  testing: { imports: ['core', 'memory', 'engine', 'config', 'system/context.ts', 'system/packing.ts'], builtins: ['node:assert/strict'] },
  'testing/chaos-proxy.ts': { imports: ['core', 'system/clock.ts'], builtins: ['node:net'] },
  'testing/chaos-pipe.ts': { imports: ['core'], builtins: ['node:net'] },
  telemetry: { imports: ['core'] },
  upstream: { imports: ['core', 'engine/public.ts', 'system/clock.ts'] },
  'create-forebay': { imports: ['core', 'system', 'config', 'memory', 'redis', 'engine'] },
  'from-environment': { imports: ['core', 'system', 'config', 'redis', 'create-forebay'] },
  index: { imports: ['core', 'system', 'config', 'memory', 'redis', 'engine', 'telemetry', 'create-forebay', 'from-environment'] },
}

/** Packages by the layer that knows them; elsewhere there are none. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = { redis: ['ioredis'] }

/** Who may touch time, chance, timers or the process: the layers whose subject it is, and the simulated world's two seams. */
const MAY_TOUCH_THE_WORLD = [/^system\//, /^redis\//, /^testing\/forbid\.ts$/, /^testing\/sim-clock\.ts$/]

const layerOf = (path: string) => path.replace(/\.ts$/, '').split('/')[0] ?? ''

function importTrouble({ path, imports }: Module): string[] {
  const layer = layerOf(path)
  const row = LAYERS[path] ?? LAYERS[layer]
  if (row === undefined) return [`${path}: the layer ${layer} is not in the table`]
  const allowed = ({ specifier, file }: Import) => {
    if (file !== undefined) return layerOf(file) === layer || row.imports.includes(layerOf(file)) || row.imports.includes(file)
    if (specifier.startsWith('node:')) return row.builtins === 'all' || (row.builtins ?? []).includes(specifier)
    return (PACKAGES[layer] ?? []).includes(specifier)
  }
  return imports.filter((one) => !allowed(one)).map(({ specifier }) => `${path} imports ${specifier}`)
}

function ambientTrouble({ path, ambient }: Module): string[] {
  if (MAY_TOUCH_THE_WORLD.some((pattern) => pattern.test(path))) return []
  return ambient.map((name) => `${path} touches ${name}`)
}

/** A cycle as `a → b → a`, or undefined. */
function findCycle(modules: readonly Module[]): string | undefined {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const done = new Set<string>()
  const visit = (path: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path].join(' → ')
    if (done.has(path)) return undefined
    for (const { file } of byPath.get(path)?.imports ?? []) {
      const cycle = file === undefined ? undefined : visit(file, [...trail, path])
      if (cycle !== undefined) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const { path } of modules) {
    const cycle = visit(path, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

/** The packages that are loaded as soon as `entry` is. */
function loadedPackages(modules: readonly Module[], entry: string): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const seen = new Set<string>()
  const found = new Set<string>()
  const visit = (path: string) => {
    if (seen.has(path)) return
    seen.add(path)
    for (const { kind, file, specifier } of byPath.get(path)?.imports ?? []) {
      if (kind !== 'static') continue
      if (file !== undefined) visit(file)
      else if (!specifier.startsWith('node:')) found.add(specifier)
    }
  }
  visit(entry)
  return [...found]
}

describe('the sources', () => {
  const modules = readModules()

  test('import only what the table of layers allows', () => {
    expect(modules.flatMap(importTrouble)).toEqual([])
  })

  test('name only files that are there, with their extension', () => {
    const paths = new Set(modules.map(({ path }) => path))
    const trouble = modules.flatMap(({ path, imports }) =>
      imports.filter(({ file }) => file !== undefined && !paths.has(file)).map(({ specifier }) => `${path} imports ${specifier}`),
    )
    expect(trouble).toEqual([])
  })

  test('have no cycle, not even among types', () => {
    expect(findCycle(modules)).toBeUndefined()
  })

  test('load no package with the main entry', () => {
    expect(loadedPackages(modules, 'index.ts')).toEqual([])
  })

  test('leave time, chance, timers and the process to system', () => {
    expect(modules.flatMap(ambientTrouble)).toEqual([])
  })
})

describe('the rules catch', () => {
  test('an upward import, in any form', () => {
    const text = `import type { A } from '../engine/a.js'
      import { b } from '../redis/b.js'
      export type { C } from '../memory/c.js'
      const d = () => import('../system/d.js')
      export type E = import('../config/e.js').E
      import { f } from 'node:fs'
      import { ok } from './ok.js'`
    expect(importTrouble(parseModule('core/bad.ts', text))).toHaveLength(6)
    expect(importTrouble(parseModule('testing/chaos-proxy.ts', `import { connect } from 'node:net'`))).toEqual([])
    expect(importTrouble(parseModule('testing/other.ts', `import { connect } from 'node:net'`))).toHaveLength(1)
    expect(importTrouble(parseModule('drawer/any.ts', ''))).toEqual(['drawer/any.ts: the layer drawer is not in the table'])
  })

  test('time and chance, but not names that the file owns nor dates made from data', () => {
    const touch = (text: string) =>
      ambientTrouble(parseModule('engine/bad.ts', text)).map((line) => line.replace('engine/bad.ts touches ', ''))
    expect(touch('export const a = () => Date.now() + Math.random()')).toEqual(['Date.now', 'Math.random'])
    expect(touch('export const a = new Date()')).toEqual(['new Date()'])
    expect(touch('export const a = { timer: setTimeout, at: globalThis.performance }')).toEqual(['globalThis.performance', 'setTimeout'])
    expect(touch('setTimeout(() => {}, 1); AbortSignal.timeout(5); process.exit()')).toEqual([
      'AbortSignal.timeout',
      'process',
      'setTimeout',
    ])
    expect(touch('export const a = (atMs: number) => new Date(atMs)')).toEqual([])
    expect(touch('export const a = ({ process }: { process: () => void }) => process()')).toEqual([])
    expect(touch('export const a = (clock: { setTimeout(): void }) => clock.setTimeout()')).toEqual([])
    expect(touch('export class A { process() { return this.process } }; export type T = typeof setTimeout')).toEqual([])
  })

  test('a cycle of types', () => {
    const one = parseModule('core/one.ts', `import type { Two } from './two.js'`)
    const two = parseModule('core/two.ts', `export { one } from './one.js'`)
    expect(findCycle([one, two])).toBe('core/one.ts → core/two.ts → core/one.ts')
  })

  test('a package behind the main entry, unless it is asked for later or only by type', () => {
    const index = parseModule('index.ts', `export { a } from './redis/a.js'`)
    const later = parseModule('redis/a.ts', `import type { Redis } from 'ioredis'; export const a = () => import('ioredis')`)
    const atOnce = parseModule('redis/a.ts', `import { Redis } from 'ioredis'; export const a = Redis`)
    expect(loadedPackages([index, later], 'index.ts')).toEqual([])
    expect(loadedPackages([index, atOnce], 'index.ts')).toEqual(['ioredis'])
  })
})
