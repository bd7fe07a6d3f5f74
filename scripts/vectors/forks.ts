import { canonicalText, type Json } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import { type ForkProof, makeChartersFork, type NotesFork } from '../../src/log/fork.ts'
import { formatNote, type Note, originOf } from '../../src/log/note.ts'
import type { Code } from '../../src/rejection.ts'
import { cosignatureOf, naiveRoot } from '../../test/log/fixtures.ts'
import {
  CHANGE,
  CHARTER,
  forkOf,
  keyChange,
  keyOf,
  LEFT,
  linkOf,
  noteOf,
  ORIGIN,
  RIGHT,
  S0,
  S1,
  S2,
  SECOND_CHANGE,
  SOCIETY,
  TWICE,
  WITNESSES,
} from '../../test/log/fork-fixtures.ts'
import type { Identity } from '../../test/support/identity.ts'
import type { VectorCase, VectorFiles } from './file.ts'

type Expected = {
  readonly code?: Code
  readonly log_key?: string
  readonly epoch?: number
  readonly convicted?: readonly string[]
}
type Case = readonly [id: string, comment: string, proof: ForkProof | string, expected?: Expected]

const [w1, w2, w3] = WITNESSES as [Identity, Identity, Identity]
const cosigned = (note: Note, by: readonly Identity[]): Note => ({
  ...note,
  signatures: [...note.signatures, ...by.map(who => cosignatureOf(note, 1, keyOf(who)))],
})
const flip = (text: string) => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
const INVALID: Expected = { code: 'PROOF_INVALID' }

function good(): Case[] {
  const origin = originOf(SOCIETY, 3)
  const chain = { branch: TWICE, second: noteOf(TWICE, 12, S2) }
  const links = [CHARTER, CHANGE, SECOND_CHANGE].map(entry => linkOf(entry, TWICE, 12))
  const both = { first: cosigned(noteOf(LEFT, 7), [w1, w2]), second: cosigned(noteOf(RIGHT, 11), [w3, w2]) }
  return [
    ['sizes', 'two notes of different sizes, and the proof of the second branch', forkOf()],
    [
      'equal-sizes',
      'two roots of one size need no proof',
      forkOf({ first: noteOf(LEFT, 8), second: noteOf(RIGHT, 8) }),
    ],
    [
      'power-of-two',
      'the smaller size is a power of two: its root is not in the proof',
      forkOf({ first: noteOf(LEFT, 8) }),
    ],
    [
      'epoch',
      'in a later epoch',
      forkOf({ first: noteOf(LEFT, 7, S0, origin), second: noteOf(RIGHT, 11, S0, origin) }),
      { epoch: 3 },
    ],
    ['convicted', 'one witness cosigned both', forkOf(both), { convicted: [w2.key] }],
    ['key-changes', 'two changes of the society key on one branch', forkOf({ ...chain, secondKeys: links })],
  ]
}

/** Roots and proofs that show no second history. */
function unproven(): Case[] {
  const valid = forkOf()
  const equal = forkOf({ first: noteOf(LEFT, 8), second: noteOf(RIGHT, 8) })
  const prefix = forkOf({ first: noteOf(RIGHT, 7) })
  return [
    ['same-note', 'one note twice', forkOf({ first: noteOf(RIGHT, 11) }), INVALID],
    ['prefix', 'the first note is a prefix of the second', prefix, INVALID],
    ['prefix-root', 'the same with an invented root', { ...prefix, root: flip(valid.root) }, INVALID],
    ['shared', 'a size at which the branches are still one', forkOf({ first: noteOf(LEFT, 5) }), INVALID],
    [
      'proof-step',
      'a step of the proof is another one',
      { ...valid, proof: valid.proof.with(0, flip(valid.proof[0] ?? '')) },
      INVALID,
    ],
    ['proof-short', 'a step of the proof is missing', { ...valid, proof: valid.proof.slice(1) }, INVALID],
    ['proof-long', 'a step too many', { ...valid, proof: [...valid.proof, valid.root] }, INVALID],
    ['proof-none', 'no proof', { ...valid, proof: [] }, INVALID],
    ['equal-proof', 'equal sizes with a proof', { ...equal, proof: [equal.root] }, INVALID],
    [
      'equal-root',
      'equal sizes with the root of the first note',
      { ...equal, root: toBase64url(naiveRoot(LEFT)) },
      INVALID,
    ],
  ]
}

/** Notes that are not two of one log. */
function unsigned(): Case[] {
  const valid = forkOf()
  const thief = { ...forkOf({ first: noteOf(LEFT, 7, S1), second: noteOf(RIGHT, 11, S1) }), key: S1.key }
  return [
    ['larger-first', 'the larger note first', { ...valid, first: valid.second, second: valid.first }, INVALID],
    [
      'first-unsigned',
      'the log did not sign the first note',
      { ...valid, first: formatNote(noteOf(LEFT, 7, S1)) },
      INVALID,
    ],
    [
      'second-unsigned',
      'the log did not sign the second note',
      { ...valid, second: formatNote(noteOf(RIGHT, 11, S1)) },
      INVALID,
    ],
    [
      'first-changed',
      'a size that was changed after signing',
      { ...valid, first: valid.first.replace('\n7\n', '\n8\n') },
      INVALID,
    ],
    [
      'other-log',
      'the first note is of another log',
      { ...valid, first: formatNote(noteOf(LEFT, 7, S0, 'web4/other')) },
      INVALID,
    ],
    [
      'two-epochs',
      'notes of two epochs',
      { ...valid, first: formatNote(noteOf(LEFT, 7, S0, originOf(SOCIETY, 1))) },
      INVALID,
    ],
    ['epoch-0', 'an epoch in a spelling that nobody uses', epochZero(), INVALID],
    ['note', 'what is no note', { ...valid, first: 'x' }, INVALID],
    ['key', 'a key that signed neither', { ...valid, key: S1.key }, INVALID],
    ['thief', 'holds for a key that is not in force here: ignored, not rejected', thief, { code: 'PROOF_KEY' }],
  ]
}

/** Chains of keys that break. */
function unlinked(): Case[] {
  const chain = { branch: TWICE, second: noteOf(TWICE, 12, S2) }
  const link = (entry: typeof CHARTER, size = 12) => linkOf(entry, TWICE, size)
  const linked = (...links: ReturnType<typeof link>[]) => forkOf({ ...chain, secondKeys: links })
  const uncommitted = keyChange(S2, S1, 6)
  const strange = TWICE.with(6, uncommitted.leaf)
  return [
    ['chain-less', 'a change of key is left out', linked(link(CHARTER), link(SECOND_CHANGE)), INVALID],
    [
      'chain-first',
      'the entry that committed to the first change is left out',
      linked(link(CHANGE), link(SECOND_CHANGE)),
      INVALID,
    ],
    [
      'chain-path',
      'a change that is not in the tree of the note',
      linked(link(CHARTER), link(CHANGE, 11), link(SECOND_CHANGE)),
      INVALID,
    ],
    [
      'chain-uncommitted',
      'a key that nobody committed to',
      forkOf({
        branch: strange,
        second: noteOf(strange, 12, S2),
        secondKeys: [linkOf(CHARTER, strange, 12), linkOf(uncommitted, strange, 12)],
      }),
      INVALID,
    ],
  ]
}

function misshapen(): Case[] {
  const valid = forkOf()
  const charters = makeChartersFork(SOCIETY, [CHARTER.bytes, CHARTER.bytes])
  const canonical = canonicalText(valid as unknown as Json)
  return [
    ['charter-twice', 'one charter twice', charters, INVALID],
    ['charter-none', 'an entry that is no charter', makeChartersFork(SOCIETY, [CHARTER.bytes, CHANGE.bytes]), INVALID],
    [
      'member-more',
      'a member that nobody knows',
      { ...valid, surplus: 1 } as NotesFork,
      { code: 'FORMAT_UNKNOWN_FIELD' },
    ],
    ['two-forms', 'both forms at once', { ...valid, ...charters }, { code: 'FORMAT_UNKNOWN_FIELD' }],
    ['spelling', 'base64url with unused bits', { ...charters, charters: ['AB', 'AAAA'] }, { code: 'FORMAT_ENCODING' }],
    [
      'one-link',
      'one link, which would change nothing',
      { ...valid, second_keys: [linkOf(CHARTER, TWICE, 12)] },
      { code: 'FORMAT_SCHEMA' },
    ],
    ['space', 'a space before', ` ${canonical}`, { code: 'FORMAT_NOT_CANONICAL' }],
    ['cut-off', 'the first byte is missing', canonical.slice(1), { code: 'FORMAT_JSON' }],
  ]
}

function epochZero(): NotesFork {
  const origin = `${ORIGIN}/epoch-0`
  return forkOf({ first: noteOf(LEFT, 7, S0, origin), second: noteOf(RIGHT, 11, S0, origin) })
}

export function forkVectors(): VectorFiles {
  const cases = [...good(), ...unproven(), ...unsigned(), ...unlinked(), ...misshapen()].map(
    ([id, comment, proof, expected = {}]): VectorCase => {
      const { code, log_key = S0.key, epoch = 0, convicted = [] } = expected
      const text = typeof proof === 'string' ? proof : canonicalText(proof as unknown as Json)
      const outcome = code === undefined ? { epoch, convicted } : { code }
      return { id, comment, tags: [code === undefined ? 'valid' : 'invalid'], log_key, proof: text, ...outcome }
    },
  )
  return { 'forks.json': { about: 'Fork proofs: evidence that a log has two histories', cases } }
}
