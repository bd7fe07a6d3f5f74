import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addOutflow, advanceFlow, isIdle, openFlow, velocities } from '../../src/state/velocity.ts'
import { DAY_MS, MONTH_MS } from '../../src/units.ts'
import { W0, Windows } from '../support/flow-windows.ts'

const days = (count: number) => BigInt(count * DAY_MS)

describe('a flow', () => {
  it('opens with nothing in the window of its time', () => {
    assert.deepEqual(openFlow(W0), { held: '0', out: '0', since: W0, window: 682 })
    assert.deepEqual(openFlow(W0 - 1), { held: '0', out: '0', since: W0 - 1, window: 681 })
  })

  it('is the same object while no time passes, and when a clock goes back', () => {
    const flow = openFlow(W0)
    assert.equal(advanceFlow(flow, W0, 10n), flow)
    assert.equal(advanceFlow(flow, W0 - DAY_MS, 10n), flow)
    assert.equal(addOutflow(flow, 0), flow)
  })

  it('counts holdings over time within a window', () => {
    const flow = advanceFlow(advanceFlow(openFlow(W0), W0 + 2 * DAY_MS, 10n), W0 + 3 * DAY_MS, 5n)
    assert.deepEqual(flow, { held: (25n * days(1)).toString(), out: '0', since: W0 + 3 * DAY_MS, window: 682 })
  })

  it('closes a window to the millisecond and keeps it as the last one', () => {
    const before = addOutflow(advanceFlow(openFlow(W0), W0 + 29 * DAY_MS, 10n), 70)
    const at = advanceFlow(before, W0 + MONTH_MS, 4n)
    const last = { held: (294n * days(1)).toString(), out: '70' }
    assert.deepEqual(at, { held: '0', last, out: '0', since: W0 + MONTH_MS, window: 683 })
    const after = advanceFlow(before, W0 + MONTH_MS + 1, 4n)
    assert.deepEqual(after, { ...at, held: '4', since: W0 + MONTH_MS + 1 })
    const justBefore = advanceFlow(before, W0 + MONTH_MS - 1, 4n)
    assert.equal(justBefore.window, 682)
    assert.deepEqual(advanceFlow(justBefore, W0 + MONTH_MS, 4n), at)
  })

  it('skips whole windows: in the last of them nothing left, and as much was held as all the time', () => {
    const busy = addOutflow(openFlow(W0 + 10 * DAY_MS), 70)
    for (const windows of [2, 3, 40]) {
      const at = advanceFlow(busy, W0 + windows * MONTH_MS + 5 * DAY_MS, 9n)
      assert.deepEqual(at, {
        held: (45n * days(1)).toString(),
        last: { held: (270n * days(1)).toString(), out: '0' },
        out: '0',
        since: W0 + windows * MONTH_MS + 5 * DAY_MS,
        window: 682 + windows,
      })
    }
  })

  it('is idle when nothing left in this window and the one before', () => {
    const paid = addOutflow(openFlow(W0), 1)
    assert.equal(isIdle(openFlow(W0)), true)
    assert.equal(isIdle(paid), false)
    assert.equal(isIdle(advanceFlow(paid, W0 + MONTH_MS, 5n)), false)
    assert.equal(isIdle(advanceFlow(paid, W0 + 2 * MONTH_MS, 5n)), true)
  })

  it('exceeds 2^53 without rounding', () => {
    const much = BigInt(Number.MAX_SAFE_INTEGER)
    let flow = advanceFlow(openFlow(W0), W0 + MONTH_MS - 1, much)
    for (let i = 0; i < 3; i++) flow = addOutflow(flow, Number.MAX_SAFE_INTEGER)
    assert.equal(flow.held, (much * BigInt(MONTH_MS - 1)).toString())
    assert.equal(flow.out, (3n * much).toString())
  })

  it('is the integral of what was held, cut into windows, to the unit', () => {
    const segment = fc.tuple(
      fc.oneof(fc.integer({ min: 0, max: 3 * DAY_MS }), fc.integer({ min: 0, max: 3 * MONTH_MS })),
      fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) }),
      fc.integer({ min: 0, max: 10 ** 6 }),
    )
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MONTH_MS }), fc.array(segment, { minLength: 1 }), (offset, segments) => {
        let flow = openFlow(W0 + offset)
        const exact = new Windows()
        for (const [ms, holding, out] of segments) {
          exact.hold(flow.since, flow.since + ms, holding)
          flow = addOutflow(advanceFlow(flow, flow.since + ms, holding), out)
          exact.spend(flow.since, BigInt(out))
        }
        exact.assertFlow(flow)
      }),
      { verbose: 1 },
    )
  })
})

describe('velocity', () => {
  it('is 1 when as much left in 30 days as was held on average', () => {
    const flow = addOutflow(advanceFlow(openFlow(W0), W0 + 15 * DAY_MS, 100n), 50)
    const { now, last } = velocities(flow, W0 + 15 * DAY_MS, 0n)
    assert.deepEqual(now, { window: 682, elapsed: 0.5, out: 50n, held: 100n, perMonth: 1 })
    assert.deepEqual(last, { window: 681, elapsed: 1, out: 0n, held: 0n, perMonth: undefined })
    const later = velocities(flow, W0 + 30 * DAY_MS, 50n)
    assert.deepEqual(later.last, { window: 682, elapsed: 1, out: 50n, held: 75n, perMonth: 0.666666 })
    assert.deepEqual(later.now, { window: 683, elapsed: 0, out: 0n, held: 0n, perMonth: undefined })
  })

  it('reads without writing', () => {
    const flow = Object.freeze(addOutflow(openFlow(W0), 5))
    velocities(flow, W0 + 40 * DAY_MS, 7n)
    assert.deepEqual(flow, { held: '0', out: '5', since: W0, window: 682 })
  })
})
