import assert from 'node:assert/strict'
import { utf8Decode } from '../../src/canonical.ts'
import type { Note } from '../../src/log/note.ts'
import { parseNote } from '../../src/log/note.ts'
import { CodedError } from '../../src/rejection.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'

describe('a store that is slow or fails', () => {
  it('does not let a cosigned older note take the place of the newest one', async () => {
    let isSlow = false
    const cluster = await Cluster.resume({
      store: (index, content) => {
        const store = createMemoryStore(content)
        if (index > 0) return store
        return {
          ...store,
          batch: async (ops, options) => {
            if (isSlow) await new Promise<void>(resolve => cluster.clock.after(20, resolve))
            return store.batch(ops, options)
          },
        }
      },
    })
    await cluster.ready()
    await cluster.clock.advance(3_000)
    const home = cluster.nodes[0] as ClusterNode
    cluster.net.partition(['s0'])
    const { size } = home.log().replica.tip
    const final = home.log().notes.finalNote as Note
    assert.equal(final.checkpoint.size, size)
    isSlow = true
    const writing = home.transfer(cluster.members.anna, cluster.members.ben, 5)
    await cluster.clock.advance(5)
    const offering = home.log().notes.offer(final)
    await cluster.do(writing)
    await cluster.clock.run(offering)
    const [bytes] = await home.setup.store.getMany([storeKey.noteLatest(home.society)])
    const stored = parseNote(utf8Decode(bytes as Uint8Array) as string)
    assert.ok(stored.ok)
    assert.equal(stored.value.checkpoint.size, size + 1)
    const restarted = await cluster.restart(home)
    assert.equal(restarted.log().notes.latest?.checkpoint.size, restarted.log().replica.tip.size)
  })

  it('is reported when a group of another log cannot be written, and the log is whole later', async () => {
    let isFailing = false
    const cluster = await Cluster.resume({
      store: (index, content) => {
        const store = createMemoryStore(content)
        if (index !== 1) return store
        return {
          ...store,
          batch: async (ops, options) => {
            if (isFailing && ops.some(({ key }) => key.startsWith('entry/'))) {
              isFailing = false
              throw new CodedError('STORE_FAILED')
            }
            return store.batch(ops, options)
          },
        }
      },
    })
    await cluster.ready()
    const [home, away] = cluster.nodes as [ClusterNode, ClusterNode]
    isFailing = true
    await cluster.do(home.transfer(cluster.members.anna, cluster.members.ben, 5))
    await cluster.clock.advance(10)
    assert.deepEqual(
      away.faults.map(({ what }) => what),
      ['apply'],
    )
    await cluster.final()
    await cluster.assertConverged()
  })
})
