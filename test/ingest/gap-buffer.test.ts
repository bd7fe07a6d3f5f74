import assert from 'node:assert/strict'
import { GAP_BYTES_PER_LOG, GAP_BYTES_TOTAL, GapBudget, GapBuffer } from '../../src/ingest/gap-buffer.ts'

const buffer = (max?: number, budget = new GapBudget()) => new GapBuffer<string>(budget, max)

describe('gap buffer', () => {
  it('holds 8 MiB of a log and 64 MiB of all', () => {
    assert.equal(GAP_BYTES_PER_LOG, 8 * 1024 * 1024)
    assert.equal(GAP_BYTES_TOTAL, 64 * 1024 * 1024)
  })

  it('gives groups in the order of the log, whatever the order in which they came', () => {
    const gap = buffer()
    for (const first of [8, 2, 5]) gap.add(first, first + 3, 10, `from ${first}`)
    assert.equal(gap.lowest, 2)
    assert.equal(gap.take(1), undefined)
    assert.equal(gap.take(2), 'from 2')
    assert.equal(gap.take(4), undefined, 'nothing that begins later')
    assert.equal(gap.take(5), 'from 5')
    assert.equal(gap.take(8), 'from 8')
    assert.equal(gap.take(11), undefined)
    assert.equal(gap.bytes, 0)
  })

  it('gives a group that overlaps what is here, and drops what is old', () => {
    const gap = buffer()
    gap.add(1, 4, 10, 'old')
    gap.add(3, 9, 10, 'overlapping')
    assert.equal(gap.take(5), 'overlapping')
    assert.equal(gap.bytes, 0)
  })

  it('keeps four copies of one position: a forged one does not push the original out', () => {
    const gap = buffer()
    for (const copy of ['forged 1', 'forged 2', 'forged 3', 'original']) assert.ok(gap.add(5, 7, 10, copy))
    assert.equal(gap.add(5, 7, 10, 'one too many'), false)
    assert.ok(gap.add(5, 8, 10, 'another end'))
    assert.deepEqual(
      [gap.take(5), gap.take(5), gap.take(5), gap.take(5)],
      ['forged 1', 'forged 2', 'forged 3', 'original'],
    )
  })

  it('refuses what exceeds the log’s share and takes again when there is room', () => {
    const gap = buffer(100)
    assert.ok(gap.add(5, 6, 60, 'a'))
    assert.equal(gap.add(6, 7, 41, 'b'), false)
    assert.ok(gap.add(6, 7, 40, 'c'))
    assert.equal(gap.bytes, 100)
    gap.take(5)
    assert.equal(gap.bytes, 40)
    assert.ok(gap.add(7, 8, 60, 'd'))
  })

  it('shares the budget of the node with other logs, and gives back what it used', () => {
    const budget = new GapBudget(100)
    const one = buffer(1_000, budget)
    const two = buffer(1_000, budget)
    assert.ok(one.add(5, 6, 80, 'a'))
    assert.equal(two.add(5, 6, 21, 'b'), false)
    assert.equal(two.bytes, 0)
    one.take(9)
    assert.ok(two.add(5, 6, 100, 'b'))
    two.clear()
    assert.equal(two.lowest, undefined)
    assert.equal(two.bytes, 0)
    assert.ok(one.add(5, 6, 100, 'c'))
  })
})
