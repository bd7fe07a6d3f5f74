import { toBase64url } from '../../src/encoding.ts'
import { hashText, type Identity, identity } from '../../test/support/identity.ts'
import type { Draftable, TestSociety } from '../../test/support/society.ts'
import type { RecordCases } from './record-file.ts'
import { peopled, recognised } from './world.ts'

/** Signed by s0 and its three witnesses, who are its quorum. */
function resume(log: TestSociety, changes: object = {}, signers = [log.society, ...log.witnesses]): Draftable {
  const root = toBase64url(log.rootAt(log.size))
  const body = { cause: 'fork', epoch: 1, evidence: hashText('a fork proof'), root, size: log.size, ...changes }
  return { kind: 'resume', body, lane: 1, signers }
}

export function resumeCases(cases: RecordCases): void {
  const { s0: log } = recognised()
  const [one, two, three] = log.witnesses as [Identity, Identity, Identity]
  const { society, size } = log
  const earlier = toBase64url(log.rootAt(size - 1))
  cases.add(log, 'fork', 'after a fork', resume(log))
  cases.add(log, 'void', 'after a void entry', resume(log, { cause: 'void' }))
  cases.add(log, 'claim', 'after a wrong claim about the state', resume(log, { cause: 'claim' }))
  cases.addShared(log, { ...resume(log), lane: 0 }, 'evidence')
  cases.add(log, 'cause', 'another cause', resume(log, { cause: 'whim' }), 'FORMAT_SCHEMA')
  cases.add(log, 'signer-less', 'one witness too few', resume(log, {}, [society, one, two]), 'SIGNER_WRONG')
  const stranger = identity('stranger')
  cases.add(log, 'stranger', 'a stranger as witness', resume(log, {}, [society, one, two, stranger]), 'SIGNER_WRONG')
  const all = [society, one, two, three]
  cases.add(log, 'signer-more', 'a stranger beside them', resume(log, {}, [...all, stranger]), 'SIGNER_WRONG')
  cases.add(log, 'society-less', 'the society did not sign', resume(log, {}, [one, two, three]), 'SIGNER_WRONG')
  cases.add(log, 'epoch-same', 'the epoch that is in force', resume(log, { epoch: 0 }), 'RESUME_EPOCH')
  cases.add(log, 'epoch-later', 'the epoch after the next', resume(log, { epoch: 2 }), 'RESUME_EPOCH')
  const before = { root: earlier, size: size - 1 }
  cases.add(log, 'size-smaller', 'not right after the kept size', resume(log, before), 'RESUME_SIZE')
  cases.add(log, 'size-larger', 'more than there are', resume(log, { size: size + 1 }), 'RESUME_SIZE')
  cases.add(log, 'root', 'the root of one entry less', resume(log, { root: earlier }), 'RESUME_ROOT')

  const again = recognised().s0
  again.append(resume(again))
  cases.add(again, 'second', 'a log that was resumed before', resume(again, { epoch: 2 }))
  cases.add(again, 'epoch-again', 'an epoch that has begun already', resume(again), 'RESUME_EPOCH')

  const { s0, ada } = peopled()
  const member = { ...resume(s0, {}, [ada.key, ...s0.witnesses]), author: ada.lct }
  cases.add(s0, 'member', 'a member is the author', member, 'AUTHOR_FORBIDDEN')
}
