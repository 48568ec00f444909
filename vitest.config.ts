import { defineConfig } from 'vitest/config'

/** Tests run against the source of every workspace, never against a build that may be stale. */
const conditions = ['forebay-source']
// Without 'import': the workers get these conditions too, and there it would give ES modules to packages that call require.
const resolve = { conditions: [...conditions, 'node', 'module', 'default'] }
const ssr = { resolve: { conditions: [...conditions, 'node', 'module', 'default'] } }

/** Only what hangs takes so long, on the busiest machine too; for what does not come tests have patience of their own. */
const patienceMs = 180_000

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        resolve,
        ssr,
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'packages/*/test/*.test.ts',
            'examples/*/{src,test}/**/*.test.ts',
            'bench/src/**/*.test.ts',
          ],
          testTimeout: patienceMs,
          hookTimeout: patienceMs,
        },
      },
      { resolve, ssr, test: { name: 'worlds', include: ['packages/forebay/test/worlds/**/*.test.ts'], testTimeout: patienceMs } },
      {
        resolve,
        ssr,
        test: {
          name: 'redis',
          include: ['packages/forebay/test/redis/**/*.test.ts', 'scripts/**/*.test.mjs'],
          globalSetup: ['packages/forebay/test/redis/global-setup.ts'],
          testTimeout: patienceMs,
          hookTimeout: patienceMs,
        },
      },
    ],
  },
})
