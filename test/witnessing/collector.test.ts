import assert from 'node:assert/strict'
import {
  Collector,
  type CollectorAction,
  type CollectorSet,
  IDLE_MS,
  OFFER_GAP_MS,
  OFFER_MS,
} from '../../src/witnessing/collector.ts'

const set = (witnesses: string, quorum: number, also: CollectorSet['also'] = []): CollectorSet => ({
  witnesses: [...witnesses],
  quorum,
  also,
})
/** `abc@7` asks a, b and c for size 7; `wake` and `final` as they are. */
const short = (actions: readonly CollectorAction[]): string => {
  const asks = actions.filter(action => action.type === 'ask')
  const sizes = new Set(asks.map(({ size }) => size))
  assert.ok(sizes.size <= 1, 'one checkpoint at a time, the same to all')
  const asked = asks.length === 0 ? [] : [`${asks.map(({ witness }) => witness).join('')}@${[...sizes]}`]
  const rest = actions.flatMap(action =>
    action.type === 'ask' ? [] : [action.type === 'final' ? `final ${action.size}` : `wake ${action.at}`],
  )
  return [...asked, ...rest].join(', ')
}

type Step = readonly [event: string, at: number, expected: string]

/** `tip 5`: the log has 5 entries; `a 5`: witness a signed 5; `timer`. */
function play(steps: readonly Step[], sets: CollectorSet): void {
  const collector = new Collector()
  for (const [event, at, expected] of steps) {
    const [what = '', size] = event.split(' ')
    const actions =
      what === 'tip'
        ? collector.onTip(Number(size), sets, at)
        : what === 'timer'
          ? collector.onTimer(at)
          : collector.onSigned(what, Number(size), at)
    assert.equal(short(actions), expected, `${event} at ${at}`)
  }
}

describe('collector of cosignatures', () => {
  const table: readonly [why: string, sets: CollectorSet, steps: readonly Step[]][] = [
    ['an empty log has nothing to offer', set('abc', 3), [['tip 0', 0, '']]],
    ['a practice log asks nobody', set('', 0), [['tip 9', 0, '']]],
    ['offers the newest checkpoint to all at once', set('abc', 3), [['tip 5', 0, `abc@5, wake ${OFFER_MS}`]]],
    [
      'holds on to one checkpoint while the log grows',
      set('abc', 3),
      [
        ['tip 5', 0, 'abc@5, wake 1000'],
        ['tip 6', 10, 'wake 1000'],
        ['a 5', 20, ''],
        ['tip 7', 999, 'wake 1000'],
      ],
    ],
    [
      'a second later offers the newest one',
      set('abc', 3),
      [
        ['tip 5', 0, 'abc@5, wake 1000'],
        ['a 5', 20, ''],
        ['tip 9', 30, 'wake 1000'],
        ['timer', 1_000, 'abc@9, wake 2000'],
      ],
    ],
    [
      'whoever signed a size is not asked again while others are missing',
      set('abc', 3),
      [
        ['tip 5', 0, 'abc@5, wake 1000'],
        ['a 5', 20, ''],
        ['timer', 1_000, 'bc@5, wake 2000'],
        ['b 5', 1_100, ''],
        ['timer', 2_000, 'c@5, wake 3000'],
        ['c 5', 2_001, `final 5, wake ${2_000 + IDLE_MS}`],
      ],
    ],
    [
      'final with the quorum, not before, and once',
      set('abcd', 3),
      [
        ['tip 5', 0, 'abcd@5, wake 1000'],
        ['a 5', 1, ''],
        ['a 5', 2, ''],
        ['b 5', 3, ''],
        ['c 5', 4, `final 5, wake ${IDLE_MS}`],
        ['d 5', 5, ''],
      ],
    ],
    [
      'a stranger does not count',
      set('abc', 2),
      [
        ['tip 5', 0, 'abc@5, wake 1000'],
        ['x 5', 1, ''],
        ['y 5', 2, ''],
        ['a 5', 3, ''],
      ],
    ],
    [
      'a cosignature of another size does not count',
      set('abc', 2),
      [
        ['tip 5', 0, 'abc@5, wake 1000'],
        ['a 4', 1, ''],
        ['b 4', 2, ''],
        ['a 5', 3, ''],
        ['b 5', 4, `final 5, wake ${IDLE_MS}`],
      ],
    ],
    [
      'no more than five offers in a second, however fast the witnesses are',
      set('ab', 2),
      [
        ['tip 1', 0, 'ab@1, wake 1000'],
        ['a 1', 1, ''],
        ['tip 2', 1, 'wake 1000'],
        ['b 1', 2, `final 1, wake ${OFFER_GAP_MS}`],
        ['timer', OFFER_GAP_MS - 1, `wake ${OFFER_GAP_MS}`],
        ['timer', OFFER_GAP_MS, `ab@2, wake ${OFFER_GAP_MS + OFFER_MS}`],
      ],
    ],
    [
      'a log that rested is offered at once when it grows',
      set('ab', 2),
      [
        ['tip 1', 0, 'ab@1, wake 1000'],
        ['a 1', 1, ''],
        ['b 1', 2, `final 1, wake ${IDLE_MS}`],
        ['tip 2', 5_000, 'ab@2, wake 6000'],
      ],
    ],
    [
      'an idle log is cosigned afresh every ten minutes, by all',
      set('ab', 2),
      [
        ['tip 1', 0, 'ab@1, wake 1000'],
        ['a 1', 1, ''],
        ['b 1', 2, 'final 1, wake 600000'],
        ['timer', 599_999, 'wake 600000'],
        ['timer', 600_000, 'ab@1, wake 601000'],
        ['a 1', 600_001, ''],
        ['b 1', 600_002, 'final 1, wake 1200000'],
      ],
    ],
    [
      'a handover waits for the quorum of the replaced set as well, and asks everybody once',
      set('abd', 2, [{ witnesses: [...'abc'], quorum: 3 }]),
      [
        ['tip 5', 0, 'abdc@5, wake 1000'],
        ['a 5', 1, ''],
        ['b 5', 2, ''],
        ['d 5', 3, ''],
        ['c 5', 4, `final 5, wake ${IDLE_MS}`],
      ],
    ],
    [
      'nor is the replaced set enough without the new one',
      set('def', 2, [{ witnesses: [...'abc'], quorum: 2 }]),
      [
        ['tip 5', 0, 'defabc@5, wake 1000'],
        ['a 5', 1, ''],
        ['b 5', 2, ''],
        ['c 5', 2, ''],
        ['d 5', 3, ''],
        ['e 5', 4, `final 5, wake ${IDLE_MS}`],
      ],
    ],
  ]
  for (const [why, sets, steps] of table) it(why, () => play(steps, sets))

  it('says what is on offer', () => {
    const collector = new Collector()
    assert.equal(collector.offered, undefined)
    collector.onTip(3, set('ab', 2), 0)
    collector.onSigned('b', 3, 1)
    assert.deepEqual(collector.offered, { size: 3, signed: ['b'] })
  })

  it('asks a witness at most five times in any second, whatever happens', () => {
    const collector = new Collector()
    const asked: number[] = []
    const note = (actions: readonly CollectorAction[], now: number) => {
      for (const action of actions) if (action.type === 'ask' && action.witness === 'a') asked.push(now)
    }
    for (let now = 0, tip = 1; now < 20_000; now += 7) {
      if (now % 3 === 0) tip++
      note(collector.onTip(tip, set('ab', 2), now), now)
      const size = collector.offered?.size ?? 0
      note(collector.onSigned('a', size, now), now)
      if (now % 5 !== 0) note(collector.onSigned('b', size, now), now)
    }
    for (const at of asked) {
      const within = asked.filter(other => other >= at && other < at + 1_000).length
      assert.ok(within <= 5, `${within} within a second from ${at}`)
    }
    assert.ok(asked.length > 40)
  })
})
