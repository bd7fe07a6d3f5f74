import assert from 'node:assert/strict'
import { SNAPSHOT_ENTRIES_MIN } from '../../src/limits.ts'
import { readState } from '../../src/state/model.ts'
import { federation } from '../support/federation.ts'
import { hashText, identity } from '../support/identity.ts'
import { growTo, longLog } from '../support/long-log.ts'
import type { Draftable, TestSociety } from '../support/society.ts'

const S = SNAPSHOT_ENTRIES_MIN
const claim = (size: number, digest = hashText('digest')): Draftable => ({ kind: 'state', body: { digest, size } })

describe('state', () => {
  it('refuses what is no claim, each with its code', () => {
    const [log] = federation({ recognised: false }) as [TestSociety]
    const stranger = identity('stranger')
    const rows: readonly (readonly [what: string, input: Draftable, code: string])[] = [
      ['a spelling with unused bits', claim(0, `${hashText('digest').slice(0, -1)}B`), 'FORMAT_SCHEMA'],
      ['no digest', { kind: 'state', body: { size: 0 } }, 'FORMAT_SCHEMA'],
      ['a negative size', claim(-1), 'FORMAT_SCHEMA'],
      ['old', { ...claim(0), time: log.clock + 1_000 - 300_001 }, 'STALE'],
      ['not the society', { ...claim(0), signers: [stranger] }, 'SIGNER_WRONG'],
      ['one signature more', { ...claim(0), signers: [log.society, stranger] }, 'SIGNATURE_COUNT'],
      ['no such size yet', claim(1), 'STATE_SIZE'],
      ['not yet', claim(S), 'STATE_SIZE'],
    ]
    for (const [what, input, code] of rows) assert.equal(log.refusal(input), code, what)
  })

  it('is for each size of which there is a snapshot, once, whatever it says', function () {
    this.timeout(60_000)
    const log = longLog(S - 1)
    assert.equal(log.refusal(claim(S)), 'STATE_SIZE')
    growTo(log, S)
    for (const size of [1, S - 1, S + 1, 2 * S]) assert.equal(log.refusal(claim(size)), 'STATE_SIZE', `${size}`)
    const { seq } = log.append(claim(S, hashText('a lie')))
    assert.deepEqual(readState.snapshot(log, S), { digest: hashText('a lie'), seq })
    assert.equal(seq, S)
    assert.equal(log.refusal(claim(S)), 'STATE_CLAIMED')
    assert.equal(log.reason(claim(S)), `STATE_CLAIMED at ${S}`)
    log.append(claim(0))
    assert.equal(log.refusal(claim(0)), 'STATE_CLAIMED')
    // It is an entry like others: later snapshots are where they are without it, but for the keys that it leaves.
    assert.equal(readState.snapshots(log)?.last, S)
  })

  it('is the society’s, not a member’s', () => {
    const [log] = federation() as [TestSociety]
    const ada = identity('s0 ada')
    const born = log.birth('ada', 'human', log.witnesses)
    log.append(born)
    const author = log.lctOf(ada, 'human')
    assert.equal(log.refusal({ ...claim(0), author, signers: [ada] }), 'AUTHOR_FORBIDDEN')
  })
})
