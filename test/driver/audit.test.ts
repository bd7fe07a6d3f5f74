import assert from 'node:assert/strict'
import fc from 'fast-check'
import { societyView } from '../../node/views.ts'
import { canonicalBytes } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import { formatNote } from '../../src/log/note.ts'
import { type AccountState, type PoolState, stateKeys } from '../../src/state/model.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { DAY_MS, HOUR_MS } from '../../src/units.ts'
import { audit, auditScene, damage, pair, slowAccounts } from '../support/audit-scene.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { peerOf } from '../support/forge.ts'
import { hashText } from '../support/identity.ts'
import type { VirtualClock } from '../support/virtual-clock.ts'

const addTo = (units: number) => (pool: PoolState) => ({
  ...pool,
  pool: (BigInt(pool.pool) + BigInt(units)).toString(),
})
const stateOf = ({ federation }: ClusterNode, log: ClusterNode) =>
  societyView(federation, federation.logs.get(log.society) ?? assert.fail())

describe('audits', function () {
  this.timeout(60_000)

  it('find nothing wrong, say what they looked at, and change nothing', async () => {
    const cluster = await auditScene()
    const [home, other] = pair(cluster)
    const before = [await home.holdings(), await other.holdings()]
    await cluster.clock.advance(10_000)
    const { size, root } = home.log().replica.tip
    const sound = { size, root: toBase64url(root), accounts: 2, difference: 0n, faulty: 0, faults: [], sound: true }
    for (const node of [home, other])
      assert.deepEqual(
        node.audits.find(({ society }) => society === home.society),
        { society: home.society, ...sound },
      )
    await cluster.do(home.mint())
    await cluster.clock.advance(HOUR_MS)
    const again = home.audits.filter(({ society }) => society === home.society)
    assert.deepEqual(
      again.map(report => [report.size, report.good]),
      [
        [size, undefined],
        [size + 1, size],
      ],
    )
    assert.deepEqual(await audit(cluster, other, other, { replay: true }), {
      ...(other.audits.at(-1) ?? assert.fail()),
      replay: { differing: 0, differences: [] },
    })
    for (const node of [home, other]) assert.equal(node.log(home.society).replica.halt, undefined)
    assert.deepEqual((await other.holdings())[other.society], before[1]?.[other.society])
    cluster.assertNoFaults()
    await cluster.stop()
  })

  it('stop a log whose pool changed on the disk: not sequenced any more, and after a restart not before a good audit', async () => {
    const cluster = await auditScene()
    const [home] = pair(cluster)
    const { anna, ben } = cluster.members
    await cluster.clock.advance(10_000)
    const good = home.log().replica.tip.size
    await cluster.do(home.transfer(anna, ben, 5))
    await damage(home, home, stateKeys.pool, addTo(7))
    // The entry's own changes balance, so the check of each entry sees nothing: what is in memory is not what is stored.
    await cluster.do(home.transfer(anna, ben, 5))
    const { size } = home.log().replica.tip
    await cluster.clock.advance(HOUR_MS)
    const report = home.audits.findLast(({ society }) => society === home.society)
    assert.deepEqual(
      [report?.sound, report?.difference, report?.faulty, report?.size, report?.good],
      [false, 7n, 0, size, good],
    )
    const detail = `at ${size} entries 7 units of 10^-15 micro-ATP too many`
    const halt = { mode: 'unsound', seq: size, code: 'CONSERVATION', detail }
    assert.deepEqual(home.log().replica.halt, halt)
    assert.deepEqual(home.halts, [{ society: home.society, code: 'CONSERVATION' }])
    assert.equal(home.barriers.at(-1), `CONSERVATION ${detail}`)
    assert.equal(await cluster.refusal(home.transfer(anna, ben, 5)), 'CONSERVATION')
    assert.equal(await cluster.refusal(home.mint()), 'CONSERVATION')
    assert.equal(home.log().replica.tip.size, size)
    const view = stateOf(home, home)
    assert.deepEqual(
      [view.state, view.void_at, view.void_code, view.void_detail],
      ['unsound', size, 'CONSERVATION', detail],
    )
    await cluster.clock.advance(HOUR_MS)
    assert.equal(home.halts.length, 1, 'said once')

    const restarted = await cluster.restart(home)
    assert.deepEqual(restarted.log().replica.halt, halt)
    await cluster.clock.advance(5_000)
    assert.equal(restarted.audits.length, 0)
    assert.equal(await cluster.refusal(restarted.mint()), 'CONSERVATION')
    await damage(restarted, restarted, stateKeys.pool, addTo(-7))
    assert.equal((await audit(cluster, restarted, restarted)).sound, true)
    assert.equal(restarted.log().replica.halt, undefined)
    assert.equal(restarted.barriers.at(-1), 'ready')
    await cluster.do(restarted.mint())
    cluster.assertNoFaults()
    await cluster.stop()
  })

  it('stop a follower and witness that holds a damaged copy, of that log only', async () => {
    const cluster = await auditScene()
    const [home, other] = pair(cluster)
    const { anna, ben } = cluster.members
    await damage<AccountState>(other, home, stateKeys.account(anna.lct), account => ({
      ...account,
      book: (BigInt(account.book) + 1n).toString(),
    }))
    await cluster.clock.advance(10_000)
    const { size } = home.log().replica.tip
    const key = stateKeys.account(anna.lct)
    const why = 'book is above what the lots can be worth'
    const report = other.audits.find(({ society }) => society === home.society)
    assert.deepEqual([report?.difference, report?.faults], [1n, [{ key, why }]])
    const detail = `at ${size} entries 1 units of 10^-15 micro-ATP too many; 1 impossible values, first ${key}: ${why}`
    const { replica } = other.log(home.society)
    assert.deepEqual(replica.halt, { mode: 'unsound', seq: size, code: 'CONSERVATION', detail })
    await cluster.do(home.transfer(anna, ben, 5))
    await cluster.clock.advance(20_000)
    assert.equal(replica.tip.size, size, 'nothing more is applied')
    assert.ok(home.codes.has('CONSERVATION'), 'the witness says why')
    assert.ok(home.log().notes.final <= size)
    const { latest } = home.log().notes
    const request = { note: latest === undefined ? '' : formatNote(latest) }
    assert.equal(await cluster.refusal(other.federation.serve.cosign(peerOf(home), request)), 'CONSERVATION')
    await cluster.do(other.mint(3))
    await cluster.final([other])
    await cluster.stop()
  })

  const values: readonly [what: string, why: string, change: (account: AccountState) => object | undefined][] = [
    ['bytes that are no JSON', 'not canonical JSON', () => undefined],
    ['a book below the lots', 'book is below what the lots are worth', account => ({ ...account, book: '5' })],
    ['a lot twice', 'lots are not ascending by origin', ({ lots, ...rest }) => ({ ...rest, lots: [...lots, ...lots] })],
  ]
  for (const [what, why, change] of values) {
    it(`name the account: ${what}`, async () => {
      const cluster = await auditScene()
      const [home] = pair(cluster)
      const key = stateKeys.account(cluster.members.ben.lct)
      if (why === 'not canonical JSON') {
        const name = storeKey.state(home.society, key)
        await home.setup.store.batch([{ type: 'put', key: name, value: new Uint8Array([123, 32]) }], { sync: true })
      } else await damage(home, home, key, change)
      const report = await audit(cluster, home, home)
      assert.deepEqual([report.sound, report.faulty, report.faults], [false, 1, [{ key, why }]])
      assert.equal(home.log().replica.halt?.mode, 'unsound')
      await cluster.stop()
    })
  }

  it('name an account of nobody, and list no more than 20 of many', async () => {
    const cluster = await auditScene()
    const [home] = pair(cluster)
    const of = (index: number) => `${cluster.members.anna.lct.slice(0, -2)}${String(index).padStart(2, '0')}`
    const flow = { held: '0', out: '0', since: 0, window: 0 }
    const count = 600
    const ops = Array.from({ length: count }, (_, index) => ({
      type: 'put' as const,
      key: storeKey.state(home.society, stateKeys.account(of(index))),
      value: canonicalBytes({ book: '0', flow, lots: [] }),
    }))
    await home.setup.store.batch(ops, { sync: true })
    const report = await audit(cluster, home, home)
    assert.deepEqual([report.accounts, report.faulty, report.faults.length], [count + 2, count, 20])
    assert.deepEqual(report.faults[0], { key: stateKeys.account(of(0)), why: 'of an LCT that is not registered' })
    assert.equal(report.difference, 0n)
    await cluster.stop()
  })

  it('are no false alarm while a log grows', async () => {
    // Reading the store itself, and not a snapshot of it, turns this red at the first transfer.
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1 }), async seed => {
        let clock: VirtualClock | undefined
        let leapt = 0
        const cluster = await auditScene({
          seed,
          options: { auditMs: 1 },
          // Days pass at once: a round of audits every few ms of them would take hours.
          clock: (_, virtual) => ({
            now: () => virtual.now() + leapt,
            after: (delayMs, task) => virtual.after(delayMs, task),
          }),
          store: (_, content) => slowAccounts(createMemoryStore(content), () => clock),
        })
        clock = cluster.clock
        const [home, other] = pair(cluster)
        const { anna, ben } = cluster.members
        const below = (limit: number) => cluster.random.integer(limit)
        for (let step = 0; step < 40; step++) {
          const amount = 1 + below(2_000)
          const [from, to] = below(2) === 0 ? [anna, ben] : [ben, anna]
          const acts = [
            () => home.transfer(from, to, amount),
            () => home.mint(amount),
            () => home.charge(to, amount),
            () => home.issue('atp.slash', { account: from.lct, amount, evidence: hashText('fraud') }),
          ]
          const act = acts[below(acts.length)] ?? acts[0]
          await cluster.clock.run(act?.() ?? assert.fail())
          await cluster.clock.advance(below(40))
          if (below(10) === 0) leapt += below(5 * DAY_MS)
        }
        await cluster.clock.advance(5_000)
        const reports = [...home.audits, ...other.audits].filter(({ society }) => society === home.society)
        const sizes = new Set(reports.map(({ size }) => size)).size
        assert.ok(sizes >= 10, `audits at ${sizes} sizes only`)
        assert.deepEqual(
          reports.filter(({ sound }) => !sound),
          [],
        )
        assert.equal((await audit(cluster, home, home, { replay: true })).replay?.differing, 0)
        assert.deepEqual([...home.halts, ...other.halts], [])
        await cluster.stop()
      }),
      { numRuns: 4, verbose: 1 },
    )
  })
})
