import assert from 'node:assert/strict'
import { createRateLimit } from '../../protocols/rate-limit.ts'
import { manualClock } from '../support/manual-clock.ts'

const takes = (limit: { take(peer: string): boolean }, peer: string, count: number) =>
  Array.from({ length: count }, () => limit.take(peer)).filter(Boolean).length

describe('a rate limit', () => {
  it('lets a burst through, then so many a second, each peer for itself', () => {
    const clock = manualClock()
    const limit = createRateLimit({ perSecond: 2, burst: 3 }, clock)
    assert.equal(takes(limit, 'a', 5), 3)
    assert.equal(takes(limit, 'b', 5), 3)
    clock.advance(499)
    assert.equal(limit.take('a'), false)
    clock.advance(1)
    assert.equal(takes(limit, 'a', 5), 1)
    clock.advance(60_000)
    assert.equal(takes(limit, 'a', 5), 3)
  })

  it('takes no tokens away when the clock is set back', () => {
    let now = 1_000_000
    const limit = createRateLimit({ perSecond: 1, burst: 2 }, { now: () => now, after: () => () => {} })
    assert.equal(limit.take('a'), true)
    now = 0
    assert.equal(limit.take('a'), true)
    assert.equal(limit.take('a'), false)
  })

  it('keeps the buckets of peers that wait, however many strangers come', () => {
    const clock = manualClock()
    const limit = createRateLimit({ perSecond: 1, burst: 1 }, clock)
    for (let index = 0; index < 5_000; index++) assert.equal(limit.take(`stranger ${index}`), true)
    assert.equal(limit.take('stranger 0'), false)
  })
})
