import assert from 'node:assert/strict'
import { publishedNote, publishedTile } from '../../src/driver/published.ts'
import type { TilePath } from '../../src/log/c2sp/tile-path.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { letterEntries } from '../support/tlog-by-the-letter.ts'

describe('what is published of a log', () => {
  it('ends where finality ends, and grows with it', async () => {
    const cluster = await Cluster.resume()
    await cluster.ready()
    const [home, ...others] = cluster.nodes as [ClusterNode, ...ClusterNode[]]
    await cluster.final([home])
    const log = home.log()
    const { final } = log.notes
    const tile = (level: TilePath['level'], width: number) =>
      publishedTile(log, home.setup.store, { level, index: 0, width })
    for (const node of others) cluster.net.detach(node.name)
    await cluster.do(home.mint())
    await cluster.clock.advance(5_000)
    assert.deepEqual(
      [log.replica.tip.size, log.notes.final, log.notes.latest?.checkpoint.size],
      [final + 1, final, final + 1],
    )
    assert.equal(publishedNote(log)?.checkpoint.size, final)
    for (const level of [0, 'entries'] as const) {
      assert.ok(await tile(level, final))
      // It is in the store, but a resume could take it back.
      assert.equal(await tile(level, final + 1), undefined)
    }
    for (const node of others) await cluster.restart(node)
    await cluster.clock.until('final again', () => publishedNote(log)?.checkpoint.size === final + 1, 60_000)
    const bundle = await tile('entries', final + 1)
    assert.equal(letterEntries(Buffer.from(bundle ?? [])).length, final + 1)
  })

  it('is the newest note of a practice log, in which nothing is ever final', async () => {
    const cluster = await Cluster.boot({ societies: 1 })
    const [home] = cluster.nodes as [ClusterNode]
    await cluster.do(cluster.foundOne(home, []))
    await cluster.do(home.mint())
    assert.equal(home.log().notes.final, 0)
    assert.equal(publishedNote(home.log())?.checkpoint.size, 2)
    assert.ok(await publishedTile(home.log(), home.setup.store, { level: 0, index: 0, width: 2 }))
  })
})
