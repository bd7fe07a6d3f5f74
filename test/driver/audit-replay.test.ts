import assert from 'node:assert/strict'
import { canonicalBytes } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import type { Store } from '../../src/ports.ts'
import { type AccountState, type LctState, type PoolState, stateKeys } from '../../src/state/model.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { HOUR_MS } from '../../src/units.ts'
import { audit, auditScene, damage, pair, slowAccounts } from '../support/audit-scene.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import type { VirtualClock } from '../support/virtual-clock.ts'
import { withWrongTransfers } from '../support/wrong-rule.ts'

const replay = { replay: true }
const repair = { replay: true, repair: true }

async function flip({ setup: { store } }: ClusterNode, key: string, at: number): Promise<void> {
  const [bytes] = await store.getMany([key])
  const changed = Uint8Array.from(bytes ?? assert.fail(key))
  // From one character of base64url to another.
  changed[at] = changed[at] === 65 ? 66 : 65
  await store.batch([{ type: 'put', key, value: changed }], { sync: true })
}

describe('audits by replay', () => {
  it('find what no look at the books can: what differs, and the log stands still until a replay is satisfied', async () => {
    const cluster = await auditScene()
    const [home, other] = pair(cluster)
    const { anna, ben } = cluster.members
    await damage<LctState>(other, home, stateKeys.lct(anna.lct), lct => ({ ...lct, status: 'suspended' }))
    await damage<number>(other, home, stateKeys.time, () => undefined)
    const surplus = storeKey.state(home.society, 'charged/nobody')
    await other.setup.store.batch([{ type: 'put', key: surplus, value: canonicalBytes({}) }], { sync: true })
    const seen = await audit(cluster, other, home, replay)
    assert.equal(seen.sound, false)
    assert.deepEqual(seen.replay, {
      differing: 3,
      differences: [
        { key: 'state/charged/nobody', is: 'surplus' },
        { key: `state/${stateKeys.lct(anna.lct)}`, is: 'other' },
        { key: 'state/time', is: 'missing' },
      ],
    })
    // By itself every value is a good one again, and the books balance.
    const [time] = await home.log().replica.states([stateKeys.time])
    await damage(other, home, stateKeys.time, () => time as unknown as object)
    assert.equal((await audit(cluster, other, home)).sound, true)
    const { replica } = other.log(home.society)
    assert.equal(replica.halt?.mode, 'unsound')
    const restarted = await cluster.restart(other)
    await cluster.clock.advance(HOUR_MS)
    assert.equal(restarted.log(home.society).replica.halt?.mode, 'unsound', 'nor the audits by the clock')

    const report = await audit(cluster, restarted, home, repair)
    assert.deepEqual([report.sound, report.repaired, report.replay], [true, 2, { differing: 0, differences: [] }])
    assert.equal(restarted.log(home.society).replica.halt, undefined)
    await cluster.do(home.transfer(anna, ben, 5))
    await cluster.final([home])
    await cluster.assertConverged()
    cluster.assertNoFaults()
    await cluster.stop()
  })

  it('repair books and tree of the own log, which then grows and is final as before', async () => {
    const cluster = await auditScene()
    const [home] = pair(cluster)
    const { anna, ben } = cluster.members
    await damage<AccountState>(home, home, stateKeys.account(anna.lct), () => undefined)
    await damage<PoolState>(home, home, stateKeys.pool, pool => ({ ...pool, minted: '1' }))
    const tile = storeKey.tile(home.society, 0, 0)
    await home.setup.store.batch([{ type: 'del', key: tile }], { sync: true })
    const found = await audit(cluster, home, home)
    assert.deepEqual([found.sound, found.accounts], [false, 1])
    assert.equal(await cluster.refusal(home.mint()), 'CONSERVATION')
    const report = await audit(cluster, home, home, repair)
    assert.deepEqual([report.sound, report.repaired, report.accounts, report.difference], [true, 3, 2, 0n])
    await cluster.do(home.transfer(anna, ben, 5))
    await cluster.final()
    await cluster.assertConverged()
    const restarted = await cluster.restart(home)
    assert.equal(restarted.log().replica.halt, undefined, 'nothing is left of the mark')
    await cluster.stop()
  })

  it('repair what entries were decided on since, in memory too', async () => {
    const cluster = await auditScene({ options: { auditMs: 0 } })
    const [before] = pair(cluster)
    const { anna, ben } = cluster.members
    await damage<AccountState>(before, before, stateKeys.account(anna.lct), account => ({
      ...account,
      book: (BigInt(account.book) + 5n).toString(),
    }))
    const home = await cluster.restart(before)
    await cluster.ready()
    // What was too many on the account decays into the pool: the entry's own changes balance.
    await cluster.do(home.transfer(anna, ben, 5))
    const found = await audit(cluster, home, home)
    assert.deepEqual([found.sound, found.difference], [false, 5n])
    const report = await audit(cluster, home, home, repair)
    assert.deepEqual([report.sound, report.difference], [true, 0n])
    await cluster.do(home.mint())
    await cluster.do(home.transfer(anna, ben, 5))
    await cluster.final()
    await cluster.assertConverged()
    await cluster.stop()
  })

  it('name a stored entry that is not the one that was signed, and repair nothing by it', async () => {
    const cluster = await auditScene()
    const [home] = pair(cluster)
    const { size } = home.log().replica.tip
    const last = storeKey.entry(home.society, size - 2)
    const [bytes = new Uint8Array()] = await home.setup.store.getMany([last])
    // The signature: no rule of the log looks at it again.
    await flip(home, last, Buffer.from(bytes).indexOf('"sig":"') + 20)
    const report = await audit(cluster, home, home, repair)
    const entry = { seq: size - 2, code: 'PROOF_INVALID' }
    assert.deepEqual(
      [report.sound, report.replay, report.repaired],
      [false, { entry, differing: 0, differences: [] }, undefined],
    )
    const halt = { mode: 'unsound', seq: size, code: 'CONSERVATION' }
    const detail = `at ${size} entries stored entry ${size - 2} cannot be decided again: PROOF_INVALID`
    assert.deepEqual(home.log().replica.halt, { ...halt, detail })
    await flip(home, storeKey.entry(home.society, 3), 0)
    assert.deepEqual((await audit(cluster, home, home, replay)).replay?.entry, { seq: 3, code: 'FORMAT_JSON' })
    await home.setup.store.batch([{ type: 'del', key: storeKey.entry(home.society, 2) }], { sync: true })
    assert.equal((await audit(cluster, home, home, replay)).replay?.entry?.seq, 2)
    await cluster.stop()
  })

  it('name the entry at which the rules of this software make or lose something', async () => {
    const cluster = await auditScene()
    const [home] = pair(cluster)
    const { anna, ben } = cluster.members
    const seq = await cluster.do(home.transfer(anna, ben, 5))
    await cluster.do(home.mint())
    const report = await withWrongTransfers(1n, () => audit(cluster, home, home, repair))
    assert.deepEqual(report.replay, { entry: { seq, code: 'CONSERVATION' }, differing: 0, differences: [] })
    assert.equal(report.repaired, undefined)
    assert.equal((await audit(cluster, home, home, replay)).sound, true)
    assert.equal(home.log().replica.halt, undefined)
    await cluster.stop()
  })

  it('end at once when the node does, in the middle', async () => {
    const reads: string[] = []
    const watched = (store: Store): Store => ({
      ...store,
      snapshot: async () => {
        const snapshot = await store.snapshot()
        return {
          ...snapshot,
          getMany: keys => {
            reads.push(...keys)
            return snapshot.getMany(keys)
          },
        }
      },
    })
    let clock: VirtualClock | undefined
    const cluster = await auditScene({
      options: { auditMs: 0 },
      store: (_, content) => slowAccounts(watched(createMemoryStore(content)), () => clock),
    })
    clock = cluster.clock
    const [home] = pair(cluster)
    const work = home.federation.audits.audit(home.log(), { replay: true, repair: false })
    await cluster.clock.advance(6)
    const before = reads.length
    assert.ok(before > 0)
    const ended = home.stop()
    assert.equal(await cluster.refusal(work), 'OVERLOADED')
    await cluster.clock.run(ended)
    await cluster.clock.advance(HOUR_MS)
    assert.equal(reads.filter(key => key.startsWith('entry/')).length, 0)
    assert.deepEqual(home.audits, [])
    assert.equal(await cluster.refusal(home.federation.audits.audit(home.log())), 'OVERLOADED')
  })

  it('wait for no clock when the node ends', async () => {
    const cluster = await auditScene({ options: { auditMs: 0 } })
    const [home] = pair(cluster)
    const work = home.federation.audits.audit(home.log())
    await new Promise(resolve => setImmediate(resolve))
    await home.stop()
    const ended = await work
    assert.equal(ended.ok ? 'ok' : ended.error.code, 'OVERLOADED')
  })

  it('RESUMING: look at no state that is being made again, which loses the mark with what was wrong', async () => {
    const cluster = await auditScene({ options: { auditMs: 0 } })
    const [home, other] = pair(cluster)
    const { replica, society } = other.log(home.society)
    const { store } = other.setup
    await damage<PoolState>(other, home, stateKeys.pool, pool => ({ ...pool, minted: '1' }))
    assert.equal((await audit(cluster, other, home)).sound, false)
    assert.notEqual((await store.getMany([storeKey.audit(society)]))[0], undefined)
    const size = replica.tip.size
    const work = { epoch: 1, root: toBase64url(replica.tip.root), size, to: size }
    await store.batch(
      [{ type: 'put', key: storeKey.resume(society), value: canonicalBytes({ ...work, phase: 'back' }) }],
      { sync: true },
    )
    const refused = cluster.refusal(other.federation.audits.audit(other.log(society)))
    assert.equal(await refused, 'RESUMING')
    other.setup.net.detach(other.name)
    await cluster.clock.run(replica.rewind(work))
    assert.deepEqual(await store.getMany([storeKey.audit(society)]), [undefined])
    assert.equal((await audit(cluster, other, home)).sound, true)
    await cluster.stop()
  })

  it('of a log that goes back meanwhile are of the state that was made again', async () => {
    let clock: VirtualClock | undefined
    const cluster = await auditScene({
      options: { auditMs: 0 },
      store: (_, content) => slowAccounts(createMemoryStore(content), () => clock),
    })
    clock = cluster.clock
    const [home, other] = pair(cluster)
    const { replica } = other.log(home.society)
    await damage<AccountState>(other, home, stateKeys.account(cluster.members.anna.lct), () => undefined)
    const work = other.federation.audits.audit(other.log(home.society))
    await cluster.clock.advance(1)
    const size = replica.tip.size - 1
    const root = toBase64url((await replica.rootAt(size)) ?? new Uint8Array())
    other.setup.net.detach(other.name)
    const back = replica.rewind({ epoch: 1, root, size, to: size })
    // ben's charge was given up.
    const { accounts, sound } = await cluster.do(work)
    assert.deepEqual([sound, accounts], [true, 1])
    await cluster.clock.run(back)
    assert.equal(replica.halt?.mode, 'resuming')
    assert.deepEqual([other.halts, other.audits.length], [[], 1])
    const [mark] = await other.setup.store.getMany([storeKey.audit(home.society)])
    assert.equal(Buffer.from(mark ?? []).toString(), `{"good":${size}}`)
    await cluster.stop()
  })
})
