import assert from 'node:assert/strict'
import { encodeEntry, logOf, openEntry } from '../../src/ingest/open.ts'
import type { NotesFork } from '../../src/log/fork.ts'
import type { KeyLink } from '../../src/log/key-chain.ts'
import { formatNote } from '../../src/log/note.ts'
import type { OpenedEntry } from '../../src/records/types.ts'
import type { Identity } from '../support/identity.ts'
import { sha256 } from './fixtures.ts'
import {
  CHANGE,
  CHARTER,
  charterOf,
  forkOf,
  keyChange,
  LEFT,
  linkOf,
  noteOf,
  RIGHT,
  S0,
  S1,
  S2,
  SECOND_CHANGE,
  TWICE,
  verdict,
  W,
} from './fork-fixtures.ts'

describe('fork proof across changes of the log key', () => {
  const charterLink = linkOf(CHARTER, TWICE, 12)
  const changeLink = linkOf(CHANGE, TWICE, 12)
  const secondLink = linkOf(SECOND_CHANGE, TWICE, 12)
  const across = (secondKeys: readonly KeyLink[], signer: Identity, branch = TWICE): NotesFork =>
    forkOf({ branch, second: noteOf(branch, 12, signer), secondKeys })

  it('holds with the chain from the key that both sides know', () => {
    assert.equal(verdict(across([charterLink, changeLink, secondLink], S2)), undefined)
    const before = { branch: TWICE, second: noteOf(TWICE, 9, S1) }
    assert.equal(
      verdict(forkOf({ ...before, secondKeys: [linkOf(CHARTER, TWICE, 9), linkOf(CHANGE, TWICE, 9)] })),
      undefined,
    )
  })

  it('holds with the chain on the shorter branch', () => {
    const first = noteOf(TWICE, 8, S1)
    const firstKeys = [linkOf(CHARTER, TWICE, 8), linkOf(CHANGE, TWICE, 8)]
    assert.equal(verdict(forkOf({ first, firstKeys })), undefined)
    assert.equal(verdict(forkOf({ first })), 'PROOF_INVALID')
  })

  it('starts from a law.update when that brought the known key', () => {
    const proof = { ...across([changeLink, secondLink], S2), first: formatNote(noteOf(LEFT, 7, S1)), key: S1.key }
    assert.equal(verdict(proof, S1.key), undefined)
    assert.equal(verdict(proof, S0.key), 'PROOF_KEY')
  })

  const foreign = keyChange(S1, S2, 6, { society: logOf(charterOf('other'), sha256) })
  const uncommitted = keyChange(W, S2, 6)
  const unsigned = keyChange(S1, S2, 6, { signer: S0 })
  const early = keyChange(S1, S2, 9)
  const late = keyChange(S2, W, 6)
  const inOrder = RIGHT.with(9, early.leaf).with(6, late.leaf)
  const otherCharter = charterOf('other')
  const replaced = (entry: OpenedEntry): Uint8Array[] => RIGHT.with(entry.seq, entry.leaf)
  const chain = (entry: OpenedEntry): KeyLink[] => [
    linkOf(CHARTER, replaced(entry), 12),
    linkOf(entry, replaced(entry), 12),
  ]
  const attacks: Record<string, () => NotesFork> = {
    'without the charter': () => across([changeLink, secondLink], S2),
    'with a change left out': () => across([charterLink, secondLink], S2),
    'with changes in the wrong order': () => across([charterLink, secondLink, changeLink], S1),
    'with sequence numbers that fall': () =>
      across([linkOf(CHARTER, inOrder, 12), linkOf(early, inOrder, 12), linkOf(late, inOrder, 12)], S2, inOrder),
    'with the old key signing on': () => across([charterLink, changeLink], S0),
    'with an entry that is not in the branch': () => across(chain(CHANGE), S1, RIGHT),
    'with a path that fails': () => across([charterLink, { ...changeLink, path: charterLink.path }], S1),
    'with a key that nobody committed to': () => across(chain(uncommitted), W, replaced(uncommitted)),
    'with a change that the new key did not sign': () => across(chain(unsigned), S1, replaced(unsigned)),
    'with the change of another society': () => across(chain(foreign), S1, replaced(foreign)),
    'with the charter of another society': () =>
      across(
        [
          linkOf(otherCharter, TWICE.with(0, otherCharter.leaf), 12),
          linkOf(CHANGE, TWICE.with(0, otherCharter.leaf), 12),
        ],
        S1,
        TWICE.with(0, otherCharter.leaf),
      ),
    'with a signature that fails': () => {
      const sigs = CHANGE.sigs.map(sig => ({ ...sig, sig: (CHARTER.sigs.find(({ by }) => by === S0.key) ?? sig).sig }))
      const forged = openEntry(encodeEntry({ ...CHANGE, sigs }, 6, 0), sha256)
      assert.ok(forged.ok)
      return across(chain(forged.value), S1, replaced(forged.value))
    },
    'with what is no entry': () => across([charterLink, { ...changeLink, entry: 'AAAA' }], S1),
  }
  for (const [name, attack] of Object.entries(attacks))
    it(`is invalid ${name}`, () => assert.equal(verdict(attack()), 'PROOF_INVALID'))
})
