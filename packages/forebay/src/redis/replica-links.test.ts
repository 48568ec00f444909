import { describe, expect, it } from 'vitest'
import { replicasIn } from './replica-links.js'
import { replicasOf, slotRangesOf } from './slot-map.js'

describe('the replicas that a primary names', () => {
  it('are those that are in step, by their addresses', () => {
    const lines = [
      '# Replication',
      'role:master',
      'connected_slaves:3',
      'slave0:ip=10.0.0.2,port=6379,state=online,offset=14,lag=0',
      'slave1:ip=10.0.0.3,port=6380,state=wait_bgsave,offset=0,lag=0',
      'slave2:ip=fd00::4,port=6381,state=online,offset=14,lag=1,type=main-channel',
      'master_failover_state:no-failover',
      'slave_read_only:1',
    ]
    expect(replicasIn(lines.join('\r\n'))).toEqual([
      { host: '10.0.0.2', port: 6379 },
      { host: 'fd00::4', port: 6381 },
    ])
  })

  it('are none where it has none', () => {
    expect(replicasIn('role:master\r\nconnected_slaves:0\r\n')).toEqual([])
  })
})

describe('the replicas in the map of a Cluster', () => {
  const node = (host: string | null, port: number) => [host === null ? null : Buffer.from(host), port, Buffer.from('id'), []]

  it('are those of all ranges of their primary', () => {
    const ranges = slotRangesOf(
      [
        [0, 99, node('a', 1), node('b', 2), node(null, 3)],
        [100, 199, node('c', 4), node('d', 5)],
        [200, 299, node('a', 1), node('b', 2)],
      ],
      'asked',
    )
    expect(replicasOf(ranges, 'a:1')).toEqual([
      { host: 'b', port: 2 },
      { host: 'asked', port: 3 },
    ])
    expect(replicasOf(ranges, 'c:4')).toEqual([{ host: 'd', port: 5 }])
    expect(replicasOf(ranges, 'e:6')).toEqual([])
  })
})
