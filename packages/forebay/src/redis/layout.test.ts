import { expect, test } from 'vitest'
import { createLayout } from './layout.js'

// Builds of a rolling deploy, and later layouts that fence in this one too, find everything by these names.
test('the names of layout fb1 stay as they are', () => {
  const { config, shard } = createLayout('shop')
  const { tag, meta, stamps, log, bell, entry, lease } = shard(17)
  expect({ config, tag, meta, stamps, log, bell }).toEqual({
    config: 'fb1:{shop}:#config',
    tag: 'shop.17',
    meta: 'fb1:{shop.17}:#meta',
    stamps: 'fb1:{shop.17}:#stamps',
    log: 'fb1:{shop.17}:#log',
    bell: 'fb1:{shop.17}:#bell',
  })
  const at = { shard: 17, cache: 'books', version: '', key: 'a:42' }
  expect([entry(at), lease(at)]).toEqual(['fb1:{shop.17}:books:a:42', 'fb1:{shop.17}:#lease:books:a:42'])
  const second = { ...at, version: '2' }
  expect([entry(second), lease(second)]).toEqual(['fb1:{shop.17}:books@2:a:42', 'fb1:{shop.17}:#lease:books@2:a:42'])
})

test('a name that a search finds stands for its place, if it is one of those sought', () => {
  const { search, shard } = createLayout('shop')
  const at = { shard: 3, cache: 'books', version: '2', key: 'a:42' }
  const { addressOf } = search('books', ['a:', ''])
  expect(addressOf(shard(3).entry(at))).toEqual(at)
  expect(addressOf(shard(3).entry({ ...at, key: 'b:42' }))).toBeUndefined()
  expect(addressOf(shard(3).entry({ ...at, cache: 'book' }))).toBeUndefined()
  expect(addressOf(shard(3).entry(at).replace('fb1', 'fb2'))).toBeUndefined()
  expect(addressOf(createLayout('shop.3').shard(3).entry(at))).toBeUndefined()
})
