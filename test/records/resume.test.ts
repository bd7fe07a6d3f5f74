import assert from 'node:assert/strict'
import { toBase64url } from '../../src/encoding.ts'
import { EPOCHS_MAX } from '../../src/limits.ts'
import type { ResumeBody } from '../../src/records/resume.ts'
import { readState } from '../../src/state/model.ts'
import { federation } from '../support/federation.ts'
import { hashText, type Identity, identity, keysOf, makeRecord, signRecord } from '../support/identity.ts'
import type { Draftable, TestSociety } from '../support/society.ts'

const HOUR_MS = 3_600_000

/** s0 has four witnesses of whom three are a quorum. */
const logOf = () => federation({ societies: 5 })[0] as TestSociety
const quorumOf = (log: TestSociety): readonly Identity[] => log.witnesses.slice(0, log.law.finality.quorum)

function resume(
  log: TestSociety,
  body: Partial<ResumeBody> = {},
  signers = [log.society, ...quorumOf(log)],
): Draftable {
  const epoch = (readState.epochs(log)?.length ?? 0) + 1
  const root = toBase64url(log.rootAt(log.size))
  return {
    kind: 'resume',
    lane: 1,
    signers,
    body: { cause: 'fork', epoch, evidence: hashText('proof'), root, size: log.size, ...body },
  }
}

describe('resume', () => {
  it('begins an epoch, and the state says of which size', () => {
    const log = logOf()
    assert.equal(readState.epochs(log), undefined)
    const kept = [log.size]
    log.append(resume(log))
    assert.deepEqual(readState.epochs(log), kept)
    log.append({ kind: 'atp.mint', body: { amount: 5 } })
    kept.push(log.size)
    log.append(resume(log, { cause: 'void' }))
    assert.deepEqual(readState.epochs(log), kept)
    // Right after another one there is nothing to go back to, but it harms nobody.
    log.append(resume(log, { cause: 'claim' }))
    assert.equal(readState.epochs(log)?.length, 3)
  })

  it('refuses what does not follow from the log, each with its code', () => {
    const log = logOf()
    log.append({ kind: 'atp.mint', body: { amount: 5 } })
    const [one, two, three, four] = log.witnesses as [Identity, Identity, Identity, Identity]
    const own = log.society
    const stranger = identity('stranger')
    const { size } = log
    const earlier = toBase64url(log.rootAt(size - 1))
    const rows: readonly (readonly [what: string, input: Draftable, code: string])[] = [
      ['another cause', resume(log, { cause: 'whim' as 'fork' }), 'FORMAT_SCHEMA'],
      [
        'evidence in another spelling',
        resume(log, { evidence: `${hashText('proof').slice(0, -1)}B` }),
        'FORMAT_SCHEMA',
      ],
      ['a negative size', resume(log, { size: -1 }), 'FORMAT_SCHEMA'],
      ['older than a day', { ...resume(log), time: log.clock + 1_000 - 24 * HOUR_MS - 1 }, 'STALE'],
      ['an old n', { ...resume(log), lane: 0, n: 1 }, 'REPLAYED'],
      ['without the society', resume(log, {}, [one, two, three]), 'SIGNER_WRONG'],
      ['the society alone', resume(log, {}, [own]), 'SIGNER_WRONG'],
      ['one witness too few', resume(log, {}, [own, one, two]), 'SIGNER_WRONG'],
      ['one witness too many', resume(log, {}, [own, one, two, three, four]), 'SIGNER_WRONG'],
      ['a stranger among them', resume(log, {}, [own, one, two, stranger]), 'SIGNER_WRONG'],
      ['a stranger beside them', resume(log, {}, [own, one, two, three, stranger]), 'SIGNER_WRONG'],
      ['the same epoch', resume(log, { epoch: 0 }), 'RESUME_EPOCH'],
      ['the epoch after the next', resume(log, { epoch: 2 }), 'RESUME_EPOCH'],
      ['an earlier size', resume(log, { size: size - 1, root: earlier }), 'RESUME_SIZE'],
      ['a later size', resume(log, { size: size + 1 }), 'RESUME_SIZE'],
      ['another root', resume(log, { root: hashText('root') }), 'RESUME_ROOT'],
      ['the root of an earlier size', resume(log, { root: earlier }), 'RESUME_ROOT'],
    ]
    for (const [what, input, code] of rows) assert.equal(log.refusal(input), code, what)
    assert.equal(log.refusal({ ...resume(log), time: log.clock + 1_000 - 24 * HOUR_MS }), undefined)
    assert.equal(log.refusal(resume(log, {}, [own, two, three, four])), undefined, 'any quorum')
  })

  it('tells the first of several reasons', () => {
    const log = logOf()
    log.append(log.birth('ada', 'human', log.witnesses.slice(0, 3)))
    const ada = identity('s0 ada')
    const wrong = { epoch: 7, size: 3, root: hashText('root') }
    const few = [log.society, ...quorumOf(log).slice(1)]
    const author = log.lctOf(ada, 'human')
    const steps: readonly (readonly [input: Draftable, code: string | undefined])[] = [
      [{ ...resume(log, wrong, [ada, ...quorumOf(log).slice(1)]), author }, 'AUTHOR_FORBIDDEN'],
      [resume(log, wrong, few), 'SIGNER_WRONG'],
      [resume(log, wrong), 'RESUME_EPOCH'],
      [resume(log, { ...wrong, epoch: 1 }), 'RESUME_SIZE'],
      [resume(log, { root: wrong.root }), 'RESUME_ROOT'],
      [resume(log), undefined],
    ]
    for (const [input, code] of steps) assert.equal(log.refusal(input), code)
  })

  it('is countersigned by the set in force: a handover right before it decides', () => {
    const log = logOf()
    const before = quorumOf(log)
    const [, two, three, four] = log.witnesses as [Identity, Identity, Identity, Identity]
    const fresh = identity('fresh witness')
    const finality = { quorum: 3, witnesses: keysOf([two, three, four, fresh]) }
    const law = { ...log.law, number: 1, finality }
    log.append({ kind: 'law.update', body: { law }, signers: [log.society, fresh] })
    assert.equal(log.refusal(resume(log, {}, [log.society, ...before])), 'SIGNER_WRONG')
    assert.equal(log.refusal(resume(log, {}, [log.society, fresh, three, four])), undefined)
  })

  it('is signed by the society alone in a practice log', () => {
    const log = federation({ societies: 1 })[0] as TestSociety
    assert.deepEqual(log.law.finality, { quorum: 0, witnesses: [] })
    assert.equal(log.refusal(resume(log, {}, [log.society])), undefined)
    assert.equal(log.refusal(resume(log, {}, [log.society, identity('stranger')])), 'SIGNER_WRONG')
  })

  it(`happens ${EPOCHS_MAX} times at most`, function () {
    this.timeout(60_000)
    const log = federation({ societies: 1 })[0] as TestSociety
    for (let epoch = 1; epoch <= EPOCHS_MAX; epoch++) log.append(resume(log, { epoch }, [log.society]))
    assert.equal(log.refusal(resume(log, {}, [log.society])), 'RESUME_EPOCH')
  })

  it('has room for the signatures of every witness that a law can name', () => {
    const log = federation({
      societies: 16,
      recognised: false,
      law: law => ({ ...law, finality: { ...law.finality, quorum: 15 } }),
    })[0] as TestSociety
    assert.equal(log.witnesses.length, 15)
    assert.equal(log.refusal(resume(log)), undefined)
    // Batch signatures of 65 536 messages are the longest.
    const sigs = signRecord(makeRecord('resume', {}), [log.society, ...log.witnesses])
    const path = Array.from({ length: 16 }, () => hashText('node'))
    const longest = sigs.map(sig => ({ ...sig, index: 65_535, size: 65_536, path }))
    assert.equal(log.refusal(resume(log), longest), 'SIGNATURE_INVALID')
  })
})
