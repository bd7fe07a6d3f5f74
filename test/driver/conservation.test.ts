import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { openEntry } from '../../src/ingest/open.ts'
import { formatNote } from '../../src/log/note.ts'
import type { VerifiedEntry } from '../../src/records/types.ts'
import { auditScene, pair } from '../support/audit-scene.ts'
import { peerOf } from '../support/forge.ts'
import { withWrongTransfers } from '../support/wrong-rule.ts'

const units = (seq: number, made: string) => `entry ${seq}: ${made} units of 10^-15 micro-ATP`

describe('conservation, entry by entry', () => {
  for (const [what, made] of [
    ['makes', 1n],
    ['loses', -1n],
  ] as const) {
    it(`an entry whose decision ${what} one unit is not appended, and nothing after it`, async () => {
      const cluster = await auditScene({ options: { auditMs: 0 } })
      const [home, other] = pair(cluster)
      const { anna, ben } = cluster.members
      const { size, root } = home.log().replica.tip
      const before = (await home.holdings())[home.society]?.state
      const refused = await withWrongTransfers(made, () => cluster.refusal(home.transfer(anna, ben, 5)))
      assert.equal(refused, 'CONSERVATION')
      const detail = units(size, made.toString())
      assert.deepEqual(home.log().replica.halt, { mode: 'unsound', seq: size, code: 'CONSERVATION', detail })
      assert.deepEqual(home.halts, [{ society: home.society, code: 'CONSERVATION' }])
      assert.equal(home.barriers.at(-1), `CONSERVATION ${detail}`)
      // The rule is right again; whatever it was, somebody has to look.
      assert.equal(await cluster.refusal(home.mint()), 'CONSERVATION')
      assert.deepEqual([home.log().replica.tip.size, home.log().replica.tip.root], [size, root])
      assert.equal((await home.holdings())[home.society]?.state, before)
      await cluster.clock.advance(5_000)
      assert.equal(other.log(home.society).replica.tip.size, size)
      const restarted = await cluster.restart(home)
      await cluster.ready()
      await cluster.do(restarted.mint())
      await cluster.final([restarted])
      await cluster.stop()
    })
  }

  it('of a group what stands before it is kept, what stands behind it is refused', async () => {
    const cluster = await auditScene({ options: { auditMs: 0 } })
    const [home] = pair(cluster)
    const { anna, ben } = cluster.members
    const { size } = home.log().replica.tip
    const codes = await withWrongTransfers(
      1n,
      () => {
        const amounts = [5, 13, 6, 13, 7]
        return Promise.all(amounts.map(amount => cluster.refusal(home.transfer(anna, ben, amount))))
      },
      amount => amount === 13,
    )
    assert.deepEqual(codes, [undefined, 'CONSERVATION', 'CONSERVATION', 'CONSERVATION', 'CONSERVATION'])
    assert.equal(home.log().replica.tip.size, size + 1)
    const { halt } = home.log().replica
    assert.deepEqual(halt, { mode: 'unsound', seq: size + 1, code: 'CONSERVATION', detail: units(size + 1, '1') })
    assert.equal(home.halts.length, 1)
    await cluster.stop()
  })

  it('a follower whose rule is wrong applies and cosigns no more of that log; nobody says that the entry is void', async () => {
    const cluster = await auditScene({ options: { auditMs: 0, statusMs: 1_000 } })
    const [home, other] = pair(cluster)
    const { anna, ben } = cluster.members
    cluster.net.partition(['s0'], ['s1', 's2', 's3'])
    const seq = await cluster.do(home.transfer(anna, ben, 5))
    await withWrongTransfers(1n, async () => {
      cluster.net.heal()
      await cluster.clock.until('seen', () => other.halts.length > 0)
    })
    const { replica } = other.log(home.society)
    const detail = units(seq, '1')
    assert.deepEqual(replica.halt, { mode: 'unsound', seq, code: 'CONSERVATION', detail })
    // Nor by a way that began before it stopped.
    const [bytes = new Uint8Array()] = await home.log().replica.entries(seq, 1)
    const opened = openEntry(bytes, sha256)
    assert.ok(opened.ok)
    const entry = opened.value as VerifiedEntry
    const late = replica.change(async session => ({ keep: [entry], answer: await session.decide(entry) }), {
      sync: true,
    })
    assert.equal((await cluster.clock.run(late)).answer, undefined)
    assert.equal(replica.tip.size, seq)
    const { latest } = home.log().notes
    const request = { note: latest === undefined ? '' : formatNote(latest) }
    assert.equal(await cluster.refusal(other.federation.serve.cosign(peerOf(home), request)), 'CONSERVATION')
    const restarted = await cluster.restart(other)
    await cluster.clock.until('applied', () => restarted.log(home.society).replica.tip.size === seq + 1)
    assert.equal(restarted.log(home.society).replica.halt, undefined)
    await cluster.stop()
  })
})
