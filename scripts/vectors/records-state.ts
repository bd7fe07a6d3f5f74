import { hashText, identity } from '../../test/support/identity.ts'
import type { RecordCases } from './record-file.ts'
import { peopled, recognised } from './world.ts'

const claim = (size: number) => ({ kind: 'state', body: { digest: hashText('digest'), size } })

/** Size 0 is the one of which these short logs have a snapshot; which sizes have one at all is in snapshots.json. */
export function stateCases(cases: RecordCases): void {
  const { s0: log } = recognised()
  const good = claim(0)
  cases.add(log, 'good', 'size 0 has a snapshot in every log; whether the digest is right is not judged', good)
  cases.addShared(log, good, 'digest')
  const spelling = { digest: `${hashText('digest').slice(0, -1)}B`, size: 0 }
  cases.add(log, 'spelling', 'base64url with unused bits', { ...good, body: spelling }, 'FORMAT_SCHEMA')
  cases.add(log, 'size', 'a size of which no snapshot is taken', claim(1), 'STATE_SIZE')
  cases.add(log, 'early', 'a size that the log has not reached', claim(10_000), 'STATE_SIZE')
  cases.add(log, 'stranger', 'another key', { ...good, signers: [identity('stranger')] }, 'SIGNER_WRONG')
  log.append(good)
  cases.add(log, 'again', 'claimed already', good, 'STATE_CLAIMED')
  const other = { ...good, body: { digest: hashText('another digest'), size: 0 } }
  cases.add(log, 'again-otherwise', 'claimed already, and now something else', other, 'STATE_CLAIMED')
  const { s0, ada } = peopled()
  cases.add(s0, 'member', 'a member', { ...good, author: ada.lct, signers: [ada.key] }, 'AUTHOR_FORBIDDEN')
}
