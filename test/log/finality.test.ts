import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  coveredBy,
  faultTolerance,
  finalForUs,
  finalSize,
  type Handover,
  type WitnessSet,
} from '../../src/log/finality.ts'

const set = (names: string, quorum: number): WitnessSet => ({ witnesses: [...names], quorum })
const sizes = (text: string): Map<string, number> =>
  new Map(
    text
      .split(' ')
      .filter(Boolean)
      .map(pair => [pair[0] ?? '', Number(pair.slice(2))]),
  )

/** The rule as the protocol words it, tried on every size. */
function literal(current: WitnessSet, handovers: readonly Handover[], cosigned: ReadonlyMap<string, number>): number {
  const cosignersOf = ({ witnesses }: WitnessSet, size: number): number =>
    witnesses.filter(key => (cosigned.get(key) ?? 0) >= size).length
  let final = 0
  for (let size = 1; size <= 40; size++) {
    const inForce = handovers.find(({ seq }) => seq >= size)?.replaced ?? current
    const holds = (of: WitnessSet, atLeast: number): boolean => of.quorum > 0 && cosignersOf(of, atLeast) >= of.quorum
    const handedOver = handovers.filter(({ seq }) => seq < size).every(({ seq, replaced }) => holds(replaced, seq + 1))
    if (handedOver && holds(inForce, size)) final = size
  }
  return final
}

describe('final size', () => {
  const table: [why: string, current: WitnessSet, handovers: Handover[], cosigned: string, final: number][] = [
    ['nobody cosigned', set('abcd', 3), [], '', 0],
    ['a practice log', set('', 0), [], 'a=9', 0],
    ['fewer than q cosigned', set('abcd', 3), [], 'a=9 b=9', 0],
    ['the q-th largest size counts', set('abcd', 3), [], 'a=9 b=7 c=5 d=1', 5],
    ['all at one size', set('abcd', 3), [], 'a=9 b=9 c=9 d=9', 9],
    ['strangers do not count', set('abcd', 3), [], 'a=9 b=9 x=9 y=9', 0],
    ['one key named twice is one witness', set('aab', 2), [], 'a=9', 0],
    ['a quorum above n is never met', set('ab', 3), [], 'a=9 b=9', 0],
    ['the old set alone goes up to the handover', set('xyz', 2), [{ seq: 6, replaced: set('abc', 2) }], 'a=9 b=9', 6],
    ['the new set alone makes nothing final', set('xyz', 2), [{ seq: 6, replaced: set('abc', 2) }], 'x=9 y=9 z=9', 0],
    [
      'nor with an old set that stopped at the handover',
      set('xyz', 2),
      [{ seq: 6, replaced: set('abc', 2) }],
      'a=6 b=6 x=9 y=9',
      6,
    ],
    [
      'the old set must cosign the handover itself',
      set('xyz', 2),
      [{ seq: 6, replaced: set('abc', 2) }],
      'a=7 b=7 x=9 y=9',
      9,
    ],
    ['the handover needs the new set', set('xyz', 2), [{ seq: 6, replaced: set('abc', 2) }], 'a=7 b=7 x=6 y=9', 6],
    [
      'old witnesses below the handover still count there',
      set('xyz', 2),
      [{ seq: 6, replaced: set('abc', 2) }],
      'a=4 b=5 x=9',
      4,
    ],
    ['a witness of both sets counts in both', set('bcd', 2), [{ seq: 6, replaced: set('abc', 2) }], 'b=8 c=8', 8],
    [
      'a handover in the first entry after the charter',
      set('xyz', 2),
      [{ seq: 1, replaced: set('abc', 2) }],
      'a=2 b=2 x=3 y=3',
      3,
    ],
    [
      'a broken link stops the chain',
      set('uvw', 2),
      [
        { seq: 3, replaced: set('abc', 2) },
        { seq: 6, replaced: set('xyz', 2) },
      ],
      'a=9 b=9 x=6 y=6 u=9 v=9',
      6,
    ],
    [
      'two handovers at once',
      set('uvw', 2),
      [
        { seq: 3, replaced: set('abc', 2) },
        { seq: 4, replaced: set('xyz', 2) },
      ],
      'a=9 b=9 x=9 y=9 u=9 v=9',
      9,
    ],
    ['a log that was a practice log stays one', set('abc', 2), [{ seq: 3, replaced: set('', 0) }], 'a=9 b=9', 0],
    ['a log that lets its witnesses go', set('', 0), [{ seq: 3, replaced: set('abc', 2) }], 'a=9 b=9', 3],
  ]
  for (const [why, current, handovers, cosigned, final] of table) {
    it(`${final}: ${why}`, () => {
      assert.equal(finalSize(current, handovers, sizes(cosigned)), final)
    })
  }

  it('is what the protocol words, whatever sets, handovers and cosignatures', () => {
    const witnesses = fc.subarray([...'abcdefg'])
    const anySet = fc.tuple(witnesses, fc.nat(5)).map(([names, quorum]) => ({ witnesses: names, quorum }))
    const handovers = fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 20 }), anySet), {
      maxLength: 3,
      selector: ([seq]) => seq,
    })
    const cosigned = fc.array(fc.tuple(fc.constantFrom(...'abcdefg'), fc.nat(30))).map(pairs => new Map(pairs))
    fc.assert(
      fc.property(anySet, handovers, cosigned, (current, list, map) => {
        const ascending = list.map(([seq, replaced]) => ({ seq, replaced })).sort((a, b) => a.seq - b.seq)
        assert.equal(finalSize(current, ascending, map), literal(current, ascending, map))
      }),
      { numRuns: 1000 },
    )
  })

  it('for us counts accepted cosigners only', () => {
    const cosigned = sizes('a=9 b=9 c=9 d=4')
    assert.equal(finalSize(set('abcd', 3), [], cosigned), 9)
    assert.equal(finalForUs(set('abcd', 3), [], cosigned, new Set('abd')), 4)
    assert.equal(finalForUs(set('abcd', 3), [], cosigned, new Set('ab')), 0)
    assert.equal(coveredBy(set('abcd', 3), cosigned), 9)
  })
})

describe('fault tolerance', () => {
  it('tells liars and absentees that a set bears', () => {
    const table: [n: number, q: number, liars: number, away: number][] = [
      [1, 1, 0, 0],
      [3, 3, 2, 0],
      [4, 3, 1, 1],
      [5, 4, 2, 1],
      [7, 5, 2, 2],
      [15, 11, 6, 4],
      [0, 0, 0, 0],
    ]
    for (const [n, q, liars, away] of table) assert.deepEqual(faultTolerance({ n, q }), { liars, away }, `${q} of ${n}`)
  })
})
