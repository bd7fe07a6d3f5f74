import assert from 'node:assert/strict'
import { FetchPlan, GAP_PATIENCE_MS } from '../../src/sync/fetch-plan.ts'

const known = (sizes: Readonly<Record<string, number>>): FetchPlan => {
  const plan = new FetchPlan()
  for (const [peer, size] of Object.entries(sizes)) plan.onSize(peer, size)
  return plan
}

describe('fetch plan', () => {
  it('has nothing to do while nobody claims more than is here', () => {
    assert.equal(known({}).next(0, 0), undefined)
    assert.equal(known({ a: 5 }).next(5, 0), undefined)
    assert.equal(known({ a: 5, b: 3 }).claimed, 5)
    assert.equal(known({}).claimed, 0)
  })

  it('asks the peer that has most', () => {
    assert.deepEqual(known({ a: 6, b: 9, c: 8 }).next(5, 0), { peer: 'b' })
  })

  it('is helped by whoever holds what is here or more, until it failed three times', () => {
    assert.deepEqual(known({}).helpers(0), [])
    assert.deepEqual(known({ a: 0 }).helpers(0), [])
    assert.deepEqual(known({ a: 4, b: 5, c: 6 }).helpers(5), ['b', 'c'])
    const plan = known({ a: 9 })
    for (const expected of [['a'], ['a'], []]) {
      plan.onDone('a', false, 0)
      assert.deepEqual(plan.helpers(5), expected)
    }
    // It does hold what is here.
    assert.deepEqual(plan.helpers(9), ['a'])
    plan.onDone('a', true, 0)
    assert.deepEqual(plan.helpers(5), ['a'])
    plan.onGone('a')
    assert.deepEqual(plan.helpers(5), [])
  })

  it('asks one peer at a time', () => {
    const plan = known({ a: 6, b: 9 })
    plan.next(5, 0)
    assert.equal(plan.next(5, 0), undefined)
    plan.onDone('b', true, 10)
    assert.deepEqual(plan.next(7, 10), { peer: 'b' })
  })

  it('gives gossip a moment to fill a gap', () => {
    const plan = known({ a: 9 })
    plan.onGap(1_000)
    plan.onGap(1_100)
    assert.deepEqual(plan.next(5, 1_100), { wakeAt: 1_000 + GAP_PATIENCE_MS })
    assert.deepEqual(plan.next(5, 1_000 + GAP_PATIENCE_MS), { peer: 'a' })
  })

  it('forgets a gap that was filled', () => {
    const plan = known({ a: 9 })
    plan.onGap(1_000)
    plan.onClosed()
    assert.deepEqual(plan.next(5, 1_001), { peer: 'a' })
  })

  it('leaves a peer that failed alone, longer each time, up to half a minute', () => {
    const plan = known({ a: 9 })
    let now = 0
    const waits: number[] = []
    for (let failures = 0; failures < 9; failures++) {
      assert.deepEqual(plan.next(5, now), { peer: 'a' })
      plan.onDone('a', false, now)
      const next = plan.next(5, now)
      assert.ok(next !== undefined && 'wakeAt' in next)
      waits.push(next.wakeAt - now)
      now = next.wakeAt
    }
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000])
  })

  it('turns to another peer when one fails, even to one that has less', () => {
    const plan = known({ a: 9, b: 7 })
    assert.deepEqual(plan.next(5, 0), { peer: 'a' })
    plan.onDone('a', false, 0)
    assert.deepEqual(plan.next(5, 0), { peer: 'b' })
    plan.onDone('b', true, 0)
    assert.deepEqual(plan.next(7, 1_000), { peer: 'a' }, 'after its pause, when nobody else is ahead')
  })

  it('prefers a peer without failures', () => {
    const plan = known({ a: 9, b: 7 })
    plan.next(5, 0)
    plan.onDone('a', false, 0)
    assert.deepEqual(plan.next(5, 60_000), { peer: 'b' })
  })

  it('forgets failures after a success', () => {
    const plan = known({ a: 9 })
    plan.next(5, 0)
    plan.onDone('a', false, 0)
    plan.next(5, 1_000)
    plan.onDone('a', true, 1_000)
    assert.deepEqual(plan.next(6, 1_000), { peer: 'a' })
    plan.onDone('a', false, 1_000)
    assert.deepEqual(plan.next(6, 1_000), { wakeAt: 2_000 })
  })

  it('goes on when the peer that was asked is gone', () => {
    const plan = known({ a: 9, b: 7 })
    plan.next(5, 0)
    plan.onGone('a')
    plan.onDone('a', false, 0)
    assert.deepEqual(plan.next(5, 0), { peer: 'b' })
    assert.equal(plan.claimed, 7)
  })

  it('believes a peer that says it has less than before', () => {
    const plan = known({ a: 9 })
    plan.onSize('a', 4)
    assert.equal(plan.next(5, 0), undefined)
  })
})
