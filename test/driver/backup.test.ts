import assert from 'node:assert/strict'
import { canonicalBytes } from '../../src/canonical.ts'
import { overrideStartUp, startUpOf } from '../../src/driver/own-start.ts'
import { formatNote } from '../../src/log/note.ts'
import type { Store } from '../../src/ports.ts'
import type { Result } from '../../src/result.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster, contentOf, type Members } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { forgeBranch, forgeEntry, peerOf } from '../support/forge.ts'

type Populated = Cluster & { readonly members: Members }

interface Scene {
  readonly cluster: Populated
  readonly home: ClusterNode
  /** What s0 held at `size`. */
  readonly backup: Store
  readonly size: number
}

async function backUp(node: ClusterNode): Promise<Store> {
  return createMemoryStore(await contentOf(node.setup.store))
}

/** s0 and a backup of it; all nodes run and may write. */
async function scene(options: Parameters<typeof Cluster.resume>[0] = {}): Promise<Scene> {
  const cluster = await Cluster.resume(options)
  await cluster.ready()
  await cluster.clock.advance(2_500)
  const home = cluster.nodes[0] as ClusterNode
  return { cluster, home, backup: await backUp(home), size: home.log().replica.tip.size }
}

/** So many payments, one after another. */
async function pay({ cluster }: Scene, at: ClusterNode, count: number, firstN = 100): Promise<void> {
  const { anna, ben } = cluster.members
  for (let i = 0; i < count; i++) await cluster.do(at.transfer({ ...anna, n: firstN + i }, ben, 5))
}
const tryPay = ({ cluster }: Scene, at: ClusterNode, n: number) =>
  cluster.refusal(at.transfer({ ...cluster.members.anna, n }, cluster.members.ben, 7))
const sizeOf = (node: ClusterNode) => node.log().replica.tip.size

function assertNoFork({ nodes }: Cluster): void {
  for (const node of nodes)
    for (const log of node.federation.logs.values()) assert.equal(log.replica.halt, undefined, node.name)
}

async function wholeAgain(s: Scene, restored: ClusterNode, size: number): Promise<void> {
  const { cluster } = s
  await cluster.ready([restored])
  assert.equal(sizeOf(restored), size)
  await pay(s, restored, 1, 500)
  await cluster.final()
  await cluster.assertConverged()
  assertNoFork(cluster)
}

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
  async function forgetful() {
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
    const restored = await cluster.restart(witness, old)
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
    const { ask, cluster, home, restored } = await forgetful()
    const log = restored.log(home.society)
    log.startUp.override()
    const judgement = Promise.withResolvers<void>()
    const judging = log.judging(judgement.promise)
    assert.equal(await ask(), 'STARTING')
    judgement.resolve()
    await cluster.clock.run(judging)
    assert.equal(await ask(), 'ok')
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

describe('two processes on copies of one folder', () => {
  /** Both run, the twin on a copy, and neither has signed since. `hidden`: no peer tells that it hears two. */
  async function twins(hidden: boolean) {
    const s = await scene()
    const { cluster } = s
    if (hidden)
      cluster.net.reply = (_by, name, result) => {
        if (name !== 'status' || !result.ok) return result
        const { twin: _twin, ...message } = result.value as { readonly twin?: true }
        return { ok: true, value: message }
      }
    const home = await cluster.restart(s.home)
    await cluster.clock.advance(1_000)
    const twin = await cluster.add({ name: 'twin', slug: 's0', store: s.backup })
    await cluster.ready(hidden ? [home, twin] : [home])
    return { ...s, home, twin }
  }

  it('STARTING: witnesses that hear the first one tell the second one, before it signs anything', async () => {
    const s = await twins(false)
    const { cluster, home, size, twin } = s
    await cluster.clock.advance(60_000)
    const detail = '3 witnesses hear another process with the keys of this node'
    assert.deepEqual(twin.federation.sequencerBarrier(), { code: 'STARTING', detail })
    assert.ok(!twin.barriers.includes('ready'))
    assert.equal(await tryPay(s, twin, 600), 'STARTING')
    assert.equal(home.federation.sequencerBarrier(), undefined, 'the first one is not told')
    // The first one ends: the second one was no mistake.
    await cluster.clock.run(home.stop())
    cluster.nodes.splice(cluster.nodes.indexOf(home), 1)
    await cluster.ready([twin])
    assert.equal(sizeOf(twin), size)
    await pay(s, twin, 1, 600)
    await cluster.final([twin])
    assertNoFork(cluster)
  })

  it('a witness that hears a second one cannot stop a log that is being written, nor one whose operator decided', async () => {
    const s = await twins(true)
    const { cluster, home, twin } = s
    await pay(s, home, 1)
    const tell = (node: ClusterNode) => {
      for (const key of node.log().replica.finalitySets().current.witnesses) node.log().startUp.twin(key, true)
    }
    tell(home)
    assert.equal(home.federation.sequencerBarrier(), undefined)
    tell(twin)
    await cluster.clock.advance(0)
    const idle = await cluster.restart(cluster.nodes[1] as ClusterNode)
    await cluster.ready([idle])
    tell(idle)
    assert.equal(idle.federation.sequencerBarrier()?.code, 'STARTING')
    assert.ok(overrideStartUp(idle.federation, idle.society, sizeOf(idle)).ok)
    assert.equal(idle.federation.sequencerBarrier(), undefined)
  })

  it('KEY_IN_USE: the one that did not write sees that somebody else did, and signs nothing any more', async () => {
    const s = await twins(true)
    const { cluster, home, size, twin } = s
    await pay(s, home, 1)
    await cluster.final()
    assert.equal(await tryPay(s, twin, 600), 'KEY_IN_USE')
    assert.deepEqual(overrideStartUp(twin.federation, twin.society, sizeOf(twin)), {
      ok: false,
      error: { code: 'KEY_IN_USE' },
    })
    assert.equal(twin.barriers.at(-1), 'KEY_IN_USE')
    await cluster.clock.advance(60_000)
    assert.equal(await tryPay(s, twin, 600), 'KEY_IN_USE', 'until a restart')
    await pay(s, home, 1, 700)
    await cluster.final()
    await cluster.assertConverged()
    assertNoFork(cluster)
    assert.equal(sizeOf(home), size + 2)
  })

  it('KEY_IN_USE: the one that wrote before stops when the other one writes', async () => {
    const s = await twins(true)
    const { cluster, home, twin } = s
    await pay(s, home, 1)
    await cluster.final()
    await cluster.clock.run(home.stop())
    cluster.nodes.splice(cluster.nodes.indexOf(home), 1)
    const again = await cluster.restart(twin)
    await cluster.ready([again])
    await pay(s, again, 1, 700)
    const late = await cluster.add({ name: 's0', store: home.setup.store })
    await cluster.ready([late])
    await pay(s, late, 1, 800)
    await cluster.clock.advance(2_000)
    assert.equal(await tryPay(s, again, 900), 'KEY_IN_USE')
    assertNoFork(cluster)
  })
})

describe('an operator overrides a start-up', () => {
  const codeOf = (result: ReturnType<typeof overrideStartUp>) => (result.ok ? 'ok' : result.error.code)
  const LIE = 1_000_000

  /** s0 starts again and hears a witness that tells of a million entries. */
  async function lied() {
    const s = await scene()
    const { cluster } = s
    // What it asks would tell the truth.
    cluster.net.passes = (from, _to, name) => from !== 's1' || name !== 'status'
    cluster.net.reply = (by, name, result) => {
      if (by !== 's1' || name !== 'status' || !result.ok) return result
      const message = result.value as { logs: { society: string }[] }
      const logs = message.logs.map(log => (log.society === s.home.society ? { ...log, cosigned: LIE } : log))
      return { ok: true, value: { ...message, logs } }
    }
    const home = await cluster.restart(s.home)
    await cluster.clock.advance(5_000)
    return { ...s, home }
  }

  it('of a sequencer: it sees who told what, and repeats the size that is here', async () => {
    const s = await lied()
    const { cluster, home, size } = s
    assert.equal(await tryPay(s, home, 100), 'STARTING')
    const facts = startUpOf(home.federation, home.log())
    const liar = cluster.nodes[1]?.keys.witness.key
    assert.deepEqual(facts?.peers.map(({ key, told, shown }) => [key === liar, told, shown]).sort(), [
      [false, size, 0],
      [false, size, 0],
      [true, LIE, size],
    ])
    const { federation, society } = home
    const refused = overrideStartUp(federation, society, size - 1)
    const detail = `said: ${size - 1}; here are ${size} entries`
    assert.deepEqual(refused, { ok: false, error: { code: 'OVERRIDE_SIZE', detail } })
    assert.equal(await tryPay(s, home, 100), 'STARTING')
    assert.equal(codeOf(overrideStartUp(federation, society, size)), 'ok')
    assert.deepEqual(home.overrides, [{ society, size }])
    assert.equal(startUpOf(federation, home.log()), undefined)
    await pay(s, home, 1)
    // Nothing of it is kept.
    const again = await cluster.restart(home)
    await cluster.clock.advance(5_000)
    assert.equal(await tryPay(s, again, 300), 'STARTING')
  })

  it('of a witness', async () => {
    const s = await scene()
    const { cluster, home, size } = s
    const { society } = home
    cluster.net.partition(['s0', 's2', 's3'])
    const witness = await cluster.restart(cluster.nodes[1] as ClusterNode)
    const { federation } = witness
    const facts = startUpOf(federation, witness.log(society))
    assert.deepEqual([facts?.here, facts?.newest, facts?.needed, facts?.peers.length], [size, 0, 2, 3])
    assert.equal(codeOf(overrideStartUp(federation, society, size + 1)), 'OVERRIDE_SIZE')
    assert.equal(codeOf(overrideStartUp(federation, society, size)), 'ok')
    assert.equal(startUpOf(federation, witness.log(society)), undefined)
  })

  it('NOT_FOUND, NOT_CONSENTED, FROZEN: where there is nothing to sign', async () => {
    const s = await scene()
    const { cluster, home, size } = s
    const stranger = await cluster.add({ name: 'stranger', store: createMemoryStore() })
    assert.equal(codeOf(overrideStartUp(stranger.federation, home.society, 0)), 'NOT_FOUND')
    await cluster.clock.run(stranger.federation.follow(home.society))
    await cluster.clock.until('its entries', () => stranger.log(home.society).replica.tip.size === size)
    assert.equal(codeOf(overrideStartUp(stranger.federation, home.society, size)), 'NOT_CONSENTED')
    const witness = cluster.nodes[1] as ClusterNode
    await cluster.clock.run(witness.log(home.society).replica.stop({ mode: 'frozen' }))
    assert.equal(codeOf(overrideStartUp(witness.federation, home.society, size)), 'FROZEN')
  })
})
