import assert from 'node:assert/strict'
import { canonicalBytes } from '../../src/canonical.ts'
import { overrideStartUp, startUpOf } from '../../src/driver/own-start.ts'
import { formatNote } from '../../src/log/note.ts'
import type { Store } from '../../src/ports.ts'
import type { Result } from '../../src/result.ts'
import { assertNoFork, backUp, pay, scene, sizeOf, tryPay, wholeAgain } from '../support/backup-scene.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { forgeBranch, forgeEntry, peerOf } from '../support/forge.ts'

describe('a sequencer on a restored backup', () => {
  it('says what is missing, fetches what its witnesses cosigned, and goes on', async () => {
    const s = await scene()
    const { cluster, size } = s
    await pay(s, s.home, 3)
    await cluster.final()
    let passes = false
    cluster.net.passes = (_from, _to, name) => passes || name !== 'entries'
    const restored = await cluster.restart(s.home, s.backup)
    await cluster.clock.advance(3_000)
    assert.equal(await tryPay(s, restored, 100), 'STARTING')
    assert.deepEqual(restored.federation.sequencerBarrier(), {
      code: 'STARTING',
      detail: `peers hold ${size + 3} entries, here are ${size}`,
    })
    const facts = startUpOf(restored.federation, restored.log())
    assert.deepEqual([facts?.here, facts?.newest, facts?.needed], [size, size + 3, 3])
    assert.deepEqual(
      facts?.peers.map(({ told, shown }) => [told, shown]),
      Array(3).fill([size + 3, size + 3]),
    )
    passes = true
    await wholeAgain(s, restored, size + 3)
    assert.equal(restored.barriers[0], 'STARTING 0 of 3 witnesses heard, 3 needed')
    assert.ok(restored.barriers.includes(`STARTING peers hold ${size + 3} entries, here are ${size}`))
    assert.equal(restored.barriers.at(-1), 'ready')
  })

  it('takes over what it published and nobody cosigned: a note of its own key above the tip blocks it', async () => {
    const s = await scene()
    const { cluster, size } = s
    let passes = false
    cluster.net.passes = (_from, _to, name) => passes || (name !== 'cosign' && name !== 'entries')
    await pay(s, s.home, 3)
    await cluster.clock.advance(1_000)
    const restored = await cluster.restart(s.home, s.backup)
    await cluster.clock.advance(3_000)
    // All witnesses were heard, and cosigned no more than is here: only the notes tell.
    assert.deepEqual(restored.log().startUp.newest(restored.log().replica.finalitySets().current.witnesses), size)
    assert.ok(restored.log().sequencerReady())
    assert.equal(await tryPay(s, restored, 100), 'STARTING')
    assert.equal(startUpOf(restored.federation, restored.log())?.newest, size + 3)
    assert.deepEqual(
      overrideStartUp(restored.federation, restored.society, size),
      {
        ok: false,
        error: { code: 'CHECKPOINT_AHEAD', detail: `this log's own key signed ${size + 3} entries, here are ${size}` },
      },
      'signing there is a fork for certain',
    )
    passes = true
    await wholeAgain(s, restored, size + 3)
  })

  it('falls back to the start when a late peer shows what it had forgotten, if it signed nothing since', async () => {
    const s = await scene({ societies: 5 })
    const { cluster, size } = s
    cluster.net.passes = (_from, _to, name) => name !== 'cosign'
    cluster.net.partition(['s0', 's4'])
    await pay(s, s.home, 2)
    await cluster.clock.advance(1_000)
    assert.equal(cluster.nodes[4]?.log(s.home.society).replica.tip.size, size + 2)
    cluster.net.partition(['s0', 's1', 's2', 's3'])
    const restored = await cluster.restart(s.home, s.backup)
    await cluster.ready([restored])
    cluster.net.passes = () => true
    cluster.net.heal()
    await cluster.clock.until('the forgotten entries', () => sizeOf(restored) === size + 2)
    assert.ok(restored.barriers.includes(`STARTING peers hold ${size + 2} entries, here are ${size}`))
    await wholeAgain(s, restored, size + 2)
  })

  it('gives no receipt and no standing before it knows', async () => {
    const s = await scene()
    const { cluster } = s
    await pay(s, s.home, 1)
    await cluster.final()
    cluster.net.partition(['s1', 's2', 's3'])
    const restored = await cluster.restart(s.home, s.backup)
    const { anna } = cluster.members
    const { serve } = restored.federation
    const codeOf = (answer: Result<unknown>) => (answer.ok ? 'ok' : answer.error.code)
    const standing = serve.standing(peerOf(s.home), { lct: anna.lct })
    assert.equal(codeOf(await cluster.clock.run(standing)), 'STARTING')
    // Also of a record that it holds: the receipt would be a signature of a size.
    const [bytes] = await restored.log().replica.entries(s.size - 1, 1)
    const { record, sigs } = JSON.parse(Buffer.from(bytes ?? []).toString())
    const submission = canonicalBytes({ record, sigs })
    assert.equal(codeOf(await cluster.clock.run(serve.submit(peerOf(s.home), submission))), 'STARTING')
    cluster.net.heal()
    await cluster.ready([restored])
    assert.equal(codeOf(await cluster.clock.run(serve.submit(peerOf(s.home), submission))), 'ok')
  })

  it('without witnesses it has nobody to ask, but a follower’s note still stops it', async () => {
    const cluster = await Cluster.boot({ societies: 2 })
    const [home, follower] = cluster.nodes as [ClusterNode, ClusterNode]
    await cluster.do(cluster.foundOne(home, []))
    await cluster.clock.run(follower.federation.setPolicy(home.society, { follow: true, witness: false, block: false }))
    const backup = await backUp(home)
    await cluster.do(home.mint(1))
    await cluster.clock.advance(5_000)
    assert.equal(follower.log(home.society).replica.tip.size, 2)
    let passes = false
    cluster.net.passes = (_from, _to, name) => passes || name !== 'entries'
    const restored = await cluster.restart(home, backup)
    await cluster.clock.advance(2_000)
    assert.equal(await cluster.refusal(restored.mint(2)), 'STARTING')
    passes = true
    await cluster.ready([restored])
    await cluster.do(restored.mint(2))
    await cluster.clock.advance(3_000)
    assert.deepEqual(follower.log(home.society).replica.tip, restored.log().replica.tip)
    assertNoFork(cluster)
  })
})

describe('a witness on a restored backup', () => {
  /** s1 cosigned `size + 1` of s0's log, and has forgotten it. The copy of s0 has another entry there. */
  async function forgetful(disk = (store: Store) => store) {
    const s = await scene()
    const { cluster, home, size } = s
    const witness = cluster.nodes[1] as ClusterNode
    const old = await backUp(witness)
    await pay(s, home, 1)
    await cluster.final()
    assert.equal(await witness.log(home.society).witness.lastSize(), size + 1)
    const { anna, ben } = cluster.members
    const body = { amount: 9, from: anna.lct, to: ben.lct }
    const record = home.draft({ ...anna, n: 900 }, 'atp.transfer', body)
    const branch = await forgeBranch(home, size, [forgeEntry(record, [anna.identity], size)])
    cluster.net.partition(['s0', 's2', 's3'])
    const restored = await cluster.restart(witness, disk(old))
    const ask = async () => {
      const asked = restored.federation.serve.cosign(peerOf(home), { note: formatNote(branch.note) })
      const answer = await cluster.clock.run(asked)
      return answer.ok ? 'ok' : answer.error.code
    }
    assert.equal(await restored.log(home.society).witness.lastSize(), size)
    assert.equal(await restored.federation.group(home.society, branch.frame, 's0'), 'accept')
    await cluster.clock.advance(0)
    assert.equal(restored.log(home.society).replica.tip.size, size + 1, 'it holds the other entry')
    return { ...s, restored, ask }
  }

  it('does not sign another history: it waits for the others, who show it the first one', async () => {
    const { ask, cluster } = await forgetful()
    assert.equal(await ask(), 'STARTING')
    cluster.net.heal()
    const answers = new Set<string>()
    for (let i = 0; i < 3_000 && !answers.has('FROZEN'); i++) {
      answers.add(await ask())
      await cluster.clock.advance(1)
    }
    assert.deepEqual([...answers], ['STARTING', 'FROZEN'])
  })

  it('does not sign while it looks at a note of another history', async () => {
    const { promise: proofMayBeKept, resolve } = Promise.withResolvers<void>()
    let isFound = false
    const slow = (store: Store): Store => ({
      ...store,
      batch: async (ops, options) => {
        if (ops.some(({ key }) => key.startsWith('fork/'))) {
          isFound = true
          await proofMayBeKept
        }
        return store.batch(ops, options)
      },
    })
    const { ask, cluster, home, restored } = await forgetful(slow)
    // As if it had heard enough.
    restored.log(home.society).startUp.override()
    cluster.net.heal()
    await cluster.clock.until('a note of the first history', () => isFound)
    assert.equal(await ask(), 'STARTING')
    resolve()
    await cluster.clock.until('the proof', () => restored.log(home.society).replica.halt !== undefined)
    assert.equal(await ask(), 'FROZEN')
  })

  it('is bound by its own signature that others show it', async () => {
    const s = await scene()
    const { cluster, home, size } = s
    const witness = cluster.nodes[1] as ClusterNode
    const old = await backUp(witness)
    await pay(s, home, 1)
    const between = formatNote(home.log().notes.latest as NonNullable<ReturnType<typeof home.log>['notes']['latest']>)
    await cluster.final()
    await pay(s, home, 1, 200)
    await cluster.final()
    const restored = await cluster.restart(witness, old)
    await cluster.clock.until('all entries', () => restored.log(home.society).notes.final === size + 2)
    restored.log(home.society).startUp.override()
    const asked = await cluster.clock.run(restored.federation.serve.cosign(peerOf(home), { note: between }))
    assert.equal(asked.ok ? 'ok' : asked.error.code, 'CHECKPOINT_SHRINKS')
  })
})
