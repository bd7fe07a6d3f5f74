import assert from 'node:assert/strict'
import { auditLog } from '../../sim/checkers/naive-ledger.ts'
import { readState } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import { randomLog } from '../support/random-log.ts'

describe('the books and a second opinion that shares no code with them', () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    it(`agree on every lot, every book value and the pool (seed ${seed})`, function () {
      this.timeout(60_000)
      const { kinds, replay } = randomLog(seed, 1_000)
      for (const kind of ['transfer', 'charge', 'discharge', 'slash', 'sweep', 'mint'])
        assert.ok((kinds[`atp.${kind}`] ?? 0) > 0, `${kind}s among them`)
      const { booked, counts, difference, lots, pool } = auditLog(replay.entries)
      assert.deepEqual(Object.fromEntries(counts), kinds)
      assert.equal(difference, 0n)
      assert.equal(pool.toString(), present(readState.pool(replay)).pool)
      const held = replay.pairs().flatMap(([key]) => (key.startsWith('account/') ? [key.slice('account/'.length)] : []))
      assert.ok(held.length >= 3)
      for (const lct of new Set([...held, ...lots.keys()])) {
        const account = readState.account(replay, lct)
        const plain = (account?.lots ?? []).map(([origin, principal]) => [origin, BigInt(principal)])
        assert.deepEqual(lots.get(lct) ?? [], plain, lct)
        assert.equal((booked.get(lct) ?? 0n).toString(), account?.book ?? '0', lct)
      }
    })
  }
})
