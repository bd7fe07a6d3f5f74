import assert from 'node:assert/strict'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { openEntry } from '../../src/ingest/open.ts'
import { verifyBundle } from '../../src/log/bundle.ts'
import type { Law } from '../../src/records/law.ts'
import type { Result } from '../../src/result.ts'
import { type PeerState, stateKeys } from '../../src/state/model.ts'
import type { Seq } from '../../src/units.ts'
import { hashText, keysOf } from '../support/identity.ts'
import { allFinal, connectAll, type LocalMember, LocalNode, ready, steadyClock } from '../support/local-nodes.ts'
import { societyKey } from '../support/rings.ts'
import { until } from '../support/until.ts'

/**
 * Whole nodes on real TCP: three of four witnesses of a log are replaced, one after the other, and its key once, while its
 * members go on paying each other.
 */

/** Each payment is sequenced, so that every change of the law happens in the middle of them. */
const PAYMENT_MS = 20
const ATP = 1_000_000

function good<T>(result: Result<T>, what: string): T {
  assert.ok(result.ok, result.ok ? '' : `${what}: ${result.error.code} ${result.error.detail ?? ''}`)
  return result.value
}

/** Pays until told to stop. */
class Payments {
  readonly refused: string[] = []
  readonly seqs: Seq[] = []
  #stopped = false
  readonly #running: Promise<void>

  constructor(home: LocalNode, payer: LocalMember, payee: LocalMember) {
    this.#running = this.#run(home, payer, payee)
  }

  async #run(home: LocalNode, payer: LocalMember, payee: LocalMember): Promise<void> {
    while (!this.#stopped) {
      const body = { amount: 1, from: payer.lct, to: payee.lct }
      await home.submit(payer, 'atp.transfer', body).then(
        seq => this.seqs.push(seq),
        (error: Error) => this.refused.push(error.message),
      )
      await new Promise(resolve => setTimeout(resolve, PAYMENT_MS))
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }
}

describe('handovers between nodes on real sockets', function () {
  this.timeout(180_000)
  const clock = steadyClock()
  const nodes: LocalNode[] = []
  const bundles = new Map<string, Uint8Array>()
  let home: LocalNode
  let old: LocalNode[]
  let young: LocalNode[]
  let members: [LocalMember, LocalMember]

  /** `home` with four witnesses, three of which have logs of their own; the three that come later hold nothing of it yet. */
  before(async () => {
    for (const slug of ['home', 'w1', 'w2', 'w3', 'w4', 'x1', 'x2', 'x3'])
      nodes.push(await LocalNode.start({ slug, clock, config: { status_ms: 500 } }))
    home = nodes[0] as LocalNode
    old = nodes.slice(1, 5)
    young = nodes.slice(5)
    await connectAll(nodes)
    const founders = nodes.slice(0, 4)
    for (const node of founders) {
      await node.found(
        nodes.slice(0, 5).filter(other => other !== node),
        founders,
      )
    }
    await ready(founders)
    await allFinal(founders, nodes.slice(0, 5))
    for (const a of founders) {
      const { operator } = a.running.service
      for (const b of founders) if (a !== b) good(await operator.recognize(b.society), `${a.slug} ${b.slug}`)
    }
    members = [await home.birth('anna'), await home.birth('ben')]
    await home.issue('atp.mint', { amount: 10 * ATP })
    await home.issue('atp.charge', { amount: ATP, evidence: hashText('work'), to: members[0].lct })
    await allFinal([home], nodes.slice(0, 5))
  })
  after(async () => {
    for (const node of nodes) await node.stop()
  })

  /** Asks both the log's own node and a witness that stays. */
  async function fetchBundles(when: string, seqs: readonly Seq[]): Promise<void> {
    for (const node of [home, old[0] as LocalNode]) {
      for (const seq of seqs) {
        const [bytes] = await node.log(home.society).replica.entries(seq, 1)
        const id = good(openEntry(bytes ?? new Uint8Array(0), sha256), 'entry').id
        bundles.set(`${when}: entry ${seq} of ${node.slug}`, good(await node.running.service.proof(id), when))
      }
    }
  }

  async function replace(gone: LocalNode, came: LocalNode): Promise<void> {
    const { law } = home.log().replica.inForce ?? {}
    const witnesses = [
      ...(law as Law).finality.witnesses.filter(key => key !== gone.keys.witness.key),
      came.keys.witness.key,
    ]
    const changes = { finality: { witnesses } }
    good(await home.running.service.operator.laws.change(changes), `${gone.slug} → ${came.slug}`)
  }

  it('replace three of four witnesses and the key while payments go on; every bundle, old and new, verifies offline', async () => {
    const payments = new Payments(home, ...members)
    const [w1, w2, w3, w4] = old as [LocalNode, LocalNode, LocalNode, LocalNode]
    const [x1, x2, x3] = young as [LocalNode, LocalNode, LocalNode]
    const before = [0, home.log().replica.tip.size - 1]
    const changes: Seq[] = []
    const settle = async (when: string, who: readonly LocalNode[]) => {
      const { handovers } = home.log().replica.finalitySets()
      changes.push(handovers.at(-1)?.seq ?? -1)
      await allFinalUpTo(handovers.at(-1)?.seq ?? -1, who)
      await fetchBundles(when, [...before, ...changes])
    }
    const allFinalUpTo = async (seq: Seq, who: readonly LocalNode[]) => {
      await until(`entry ${seq} final`, () => who.every(node => node.log(home.society).notes.final > seq), 60_000)
    }
    await fetchBundles('before', before)
    await replace(w4, x1)
    await settle('one replaced', [home, w1, w2, w3, x1])
    await replace(w3, x2)
    await settle('two replaced', [home, w1, w2, x1, x2])
    good(await home.running.service.operator.laws.rotate(), 'rotate')
    await settle('key changed', [home, w1, w2, x1, x2])
    await replace(w2, x3)
    await settle('three replaced', [home, w1, ...young])
    await payments.stop()
    await allFinal([home], nodes)
    const last = payments.seqs.at(-1) ?? -1
    await fetchBundles('after', [...before, ...changes, last])

    assert.deepEqual(payments.refused, [])
    assert.ok(last > (changes.at(-1) ?? 0), 'payments went on after the last change')
    for (const [index, seq] of changes.entries())
      assert.ok(
        payments.seqs.some(paid => paid > (changes[index - 1] ?? 0) && paid < seq),
        `payments before ${seq}`,
      )
    const { inForce } = home.log().replica
    assert.deepEqual(inForce?.law.finality, {
      quorum: 3,
      witnesses: keysOf([w1, ...young].map(node => node.keys.witness)),
    })
    assert.equal(inForce?.keys.society, societyKey('home', 1).key)
    for (const [what, bytes] of bundles) {
      const verdict = verifyBundle(bytes, { society: home.society, verify: verifySync, sha256 })
      assert.ok(verdict.ok, `${what}: ${verdict.ok ? '' : `${verdict.error.code} ${verdict.error.detail}`}`)
      assert.ok(what.includes(`entry ${verdict.value.seq} `), what)
    }
    assert.equal(bundles.size, 2 * (2 + 3 + 4 + 5 + 6 + 7))
  })

  it('are recognised afterwards, one record each, by a society that looked away', async () => {
    const w1 = old[0] as LocalNode
    const size = w1.log().replica.tip.size
    good(await w1.running.service.operator.recognize(home.society), 'recognize')
    assert.equal(w1.log().replica.tip.size, size + 4)
    const [peer] = (await w1.log().replica.states([stateKeys.peer(home.society)])) as unknown as [PeerState]
    assert.equal(peer.key, societyKey('home', 1).key)
    assert.deepEqual(peer.witnesses, home.log().replica.inForce?.law.finality.witnesses)
    for (const node of nodes) assert.deepEqual(node.faults, [], node.slug)
  })
})
