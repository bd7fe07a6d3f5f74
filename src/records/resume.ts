import { type Static, Type } from 'typebox'
import { fromBase64url } from '../encoding.ts'
import { EPOCHS_MAX, FRESHNESS_MULTI_MS, WITNESSES_MAX } from '../limits.ts'
import { sameHash } from '../log/merkle.ts'
import { rejection } from '../rejection.ts'
import { readState, stateKeys, stateValue } from '../state/model.ts'
import { present } from '../state/present.ts'
import { exactSigners } from '../state/signers.ts'
import { countField, hashField, strictObject } from './fields.ts'
import type { RecordRules } from './types.ts'

/**
 * Why a log goes on from an earlier size: it has two histories, it holds an entry that breaks a rule, or a state claim that
 * is wrong. Evidence is named by the hash of the fork proof's or the entry's bytes.
 */
const RESUME_CAUSES = ['fork', 'void', 'claim'] as const

export const resumeBody = strictObject({
  cause: Type.Enum([...RESUME_CAUSES]),
  /** The epoch that begins with this entry. */
  epoch: countField,
  evidence: hashField,
  /** Root of the kept entries. */
  root: hashField,
  /** How many entries are kept; everything from here on is given up. */
  size: countField,
})
export type ResumeBody = Static<typeof resumeBody>

/**
 * The first entry after a kept size. Whoever countersigns says: all that I cosigned in this epoch is a prefix of (size,
 * root), and I cosign nothing more of it.
 */
export const resumeRules: RecordRules<'resume', ResumeBody> = {
  kind: 'resume',
  body: resumeBody,
  /** Two hashes, two numbers, the head, and 16 signatures of at most 0.9 KiB each, the size of one with a batch path. */
  bytesMax: 16 * 1_024,
  freshnessMs: FRESHNESS_MULTI_MS,
  signatures: [1, WITNESSES_MAX + 1],

  check: () => undefined,

  touches: () => [stateKeys.law, stateKeys.keys, stateKeys.epochs],

  decide(draft, entry, { rootBefore }) {
    const { author, body, society } = entry.record
    if (author !== society) return rejection('AUTHOR_FORBIDDEN')
    const { finality } = present(readState.law(draft))
    const key = present(readState.keys(draft)).society
    const signers = entry.sigs.map(sig => sig.by)
    const countersigned = signers.filter(signer => finality.witnesses.includes(signer))
    // As many as the quorum, and no others: a resume with more would have many forms.
    if (countersigned.length !== finality.quorum || !exactSigners(entry, [key, ...countersigned]))
      return rejection('SIGNER_WRONG', `${countersigned.length} of ${finality.quorum} witnesses`)
    const epochs = readState.epochs(draft) ?? []
    if (body.epoch !== epochs.length + 1 || body.epoch > EPOCHS_MAX)
      return rejection('RESUME_EPOCH', String(body.epoch))
    if (body.size !== entry.seq) return rejection('RESUME_SIZE', `${body.size}, not ${entry.seq}`)
    const kept = rootBefore?.(entry.seq)
    const named = fromBase64url(body.root, 32)
    if (kept === undefined || named === undefined || !sameHash(kept, named)) return rejection('RESUME_ROOT')
    draft.set(stateKeys.epochs, stateValue([...epochs, body.size]))
    return undefined
  },
}
