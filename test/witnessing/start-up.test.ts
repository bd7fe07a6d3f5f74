import assert from 'node:assert/strict'
import { StartUp } from '../../src/witnessing/start-up.ts'

/** `a=5 b=0`: a told 5, b told "none". */
function heard(told: string): StartUp {
  const startUp = new StartUp()
  for (const item of told.split(' ').filter(Boolean)) {
    const [key = '', size] = item.split('=')
    startUp.told(key, Number(size))
  }
  return startUp
}
const FOUR = { witnesses: [...'abcd'], quorum: 3 }

describe('start-up of a sequencer', () => {
  const table: readonly [why: string, told: string, size: number, ready: boolean][] = [
    ['nobody heard', '', 5, false],
    ['fewer than q heard', 'a=1 b=1', 5, false],
    ['q heard, none of them beyond us', 'a=5 b=0 c=4', 5, true],
    ['"none" is an answer', 'a=0 b=0 c=0', 1, true],
    ['a witness cosigned more than is here', 'a=6 b=0 c=0', 5, false],
    ['one of them told it before q were heard', 'a=6', 5, false],
    ['strangers do not make the quorum', 'x=1 y=1 z=1', 5, false],
    ['nor does a stranger stop the log', 'a=1 b=1 c=1 x=999', 5, true],
    ['the largest that one witness told counts', 'a=7 a=2 b=1 c=1', 6, false],
  ]
  for (const [why, told, size, ready] of table)
    it(`${ready ? 'ready' : 'waits'}: ${why}`, () => assert.equal(heard(told).sequencerReady(size, FOUR), ready))

  it('goes on once it has fetched what the witnesses hold', () => {
    const startUp = heard('a=9 b=9 c=8')
    assert.equal(startUp.sequencerReady(5, FOUR), false)
    assert.equal(startUp.sequencerReady(9, FOUR), true)
  })

  it('stays ready: what is told later is not about the start, and no lie can stop the log', () => {
    const startUp = heard('a=5 b=5 c=5')
    assert.equal(startUp.sequencerReady(5, FOUR), true)
    startUp.told('d', 1_000_000)
    assert.equal(startUp.sequencerReady(6, FOUR), true)
    assert.equal(startUp.sequencerReady(6, { witnesses: [...'wxyz'], quorum: 3 }), true)
  })

  it('has nobody to ask in a practice log', () => {
    assert.equal(heard('').sequencerReady(1, { witnesses: [], quorum: 0 }), true)
  })

  it('an operator may override', () => {
    const startUp = heard('a=9 b=9 c=9')
    startUp.override()
    assert.equal(startUp.sequencerReady(5, FOUR), true)
  })

  it('names whom it waits for', () => {
    assert.deepEqual(heard('b=1 d=0').missing(FOUR.witnesses), ['a', 'c'])
    assert.equal(heard('a=3 b=7 x=99').newest(FOUR.witnesses), 7)
  })
})

describe('start-up of a witness', () => {
  /** Witness a of a log whose sequencer's own witness key is s: n − q + 1 = 2 of b, c, d, and s. */
  const ready = (startUp: StartUp, size: number, set = FOUR) => startUp.witnessReady(size, 'a', 's', set)
  const table: readonly [why: string, told: string, size: number, ready: boolean][] = [
    ['nobody heard', '', 5, false],
    ['the sequencer alone', 's=5', 5, false],
    ['the sequencer and n − q others', 's=5 b=5', 5, false],
    ['others, but not the sequencer', 'b=5 c=5 d=5', 5, false],
    ['the sequencer and n − q + 1 others', 's=5 b=5 c=0', 5, true],
    ['its own word does not count', 's=5 a=5 b=5', 5, false],
    ['nor does a stranger’s', 's=5 b=5 x=5', 5, false],
    ['a stranger does not stop it', 's=5 b=5 c=5 x=999', 5, true],
    ['less than another witness cosigned', 's=5 b=6 c=5', 5, false],
    ['less than the sequencer holds', 's=6 b=5 c=5', 5, false],
  ]
  for (const [why, told, size, expected] of table)
    it(`${expected ? 'ready' : 'waits'}: ${why}`, () => assert.equal(ready(heard(told), size), expected))

  it('needs all others where there are no more', () => {
    const two = { witnesses: [...'ab'], quorum: 2 }
    assert.equal(ready(heard('s=1'), 1, two), false)
    assert.equal(ready(heard('s=1 b=1'), 1, two), true)
    assert.equal(ready(heard('s=1'), 1, { witnesses: ['a'], quorum: 1 }), true)
  })

  it('is not sent back to the start by a sequencer that runs ahead of its offer', () => {
    const startUp = heard('s=5 b=5 c=5')
    assert.equal(ready(startUp, 5), true)
    startUp.told('s', 40)
    assert.equal(ready(startUp, 20), true)
  })

  it('an operator may override', () => {
    const startUp = heard('')
    startUp.override()
    assert.equal(ready(startUp, 1), true)
  })
})
