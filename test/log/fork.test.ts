import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canonicalText, type Json, utf8Encode } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import { encodeEntry, logOf } from '../../src/ingest/open.ts'
import {
  type ChartersFork,
  convictedWitnesses,
  decodeForkProof,
  encodeForkProof,
  epochOfFork,
  FORK_PROOF_BYTES_MAX,
  type ForkProof,
  makeChartersFork,
  type NotesFork,
  verifyForkProof,
} from '../../src/log/fork.ts'
import type { KeyLink } from '../../src/log/key-chain.ts'
import { formatNote, type Note, originOf } from '../../src/log/note.ts'
import { verifyPortable } from '../../src/noble-verify.ts'
import type { Code } from '../../src/rejection.ts'
import { type Identity, makeRecord } from '../support/identity.ts'
import { cosignatureOf, naiveRoot, sha256 } from './fixtures.ts'
import {
  CHANGE,
  CHARTER,
  charterOf,
  forkOf,
  keyOf,
  LAW,
  LEFT,
  linkOf,
  noteOf,
  ORIGIN,
  opened,
  RIGHT,
  S0,
  S1,
  SOCIETY,
  TWICE,
  verdict,
  W,
  WITNESSES,
} from './fork-fixtures.ts'

describe('fork proof of two notes', () => {
  it('holds wherever two branches differ', () => {
    for (const [from, to] of [
      [6, 6],
      [8, 8],
      [6, 11],
      [7, 11],
      [8, 9],
      [8, 12],
    ] as const) {
      assert.equal(
        verdict(forkOf({ first: noteOf(LEFT, from), second: noteOf(RIGHT, to) })),
        undefined,
        `${from} and ${to}`,
      )
    }
  })

  it('holds in a later epoch, and tells which', () => {
    const origin = originOf(SOCIETY, 3)
    const proof = forkOf({ first: noteOf(LEFT, 7, S0, origin), second: noteOf(RIGHT, 11, S0, origin) })
    assert.equal(verdict(proof), undefined)
    assert.equal(epochOfFork(proof), 3)
    assert.equal(epochOfFork(forkOf()), 0)
  })

  const flip = (text: string): string => (text.startsWith('A') ? 'B' : 'A') + text.slice(1)
  const valid = forkOf()
  const equal = forkOf({ first: noteOf(LEFT, 8), second: noteOf(RIGHT, 8) })
  const attacks: Record<string, NotesFork> = {
    'the same note twice': forkOf({ first: noteOf(RIGHT, 11) }),
    'the same note twice, with another root': { ...forkOf({ first: noteOf(RIGHT, 11) }), root: equal.root },
    'equal sizes and roots, with another root': { ...equal, first: equal.second, root: flip(equal.root) },
    'a prefix of the second note': forkOf({ first: noteOf(RIGHT, 7) }),
    'a prefix of the second note, with another root': {
      ...forkOf({ first: noteOf(RIGHT, 7) }),
      root: flip(valid.root),
    },
    'a size that is a power of two, with another root': {
      ...forkOf({ first: noteOf(RIGHT, 8) }),
      root: flip(valid.root),
    },
    'a shared prefix': forkOf({ first: noteOf(LEFT, 5) }),
    'a proof with a step changed': { ...valid, proof: valid.proof.with(0, flip(valid.proof[0] ?? '')) },
    'a proof with a step missing': { ...valid, proof: valid.proof.slice(1) },
    'a proof with a step more': { ...valid, proof: [...valid.proof, valid.root] },
    'no proof': { ...valid, proof: [] },
    'equal sizes with a proof': { ...equal, proof: [equal.root] },
    'equal sizes with the root of the first': { ...equal, root: toBase64url(naiveRoot(LEFT)) },
    'the larger note first': { ...valid, first: valid.second, second: valid.first },
    'the first note unsigned': { ...valid, first: formatNote(noteOf(LEFT, 7, S1)) },
    'the second note unsigned': { ...valid, second: formatNote(noteOf(RIGHT, 11, S1)) },
    'the first note changed after signing': { ...valid, first: valid.first.replace('\n7\n', '\n8\n') },
    'two notes of another log': { ...forkOf(), society: SOCIETY.replace('demo', 'omed') },
    'one note of another log': { ...valid, first: formatNote(noteOf(LEFT, 7, S0, 'web4/other')) },
    'notes of two epochs': { ...valid, first: formatNote(noteOf(LEFT, 7, S0, originOf(SOCIETY, 1))) },
    'an epoch in another spelling': forkOf({
      first: noteOf(LEFT, 7, S0, `${ORIGIN}/epoch-0`),
      second: noteOf(RIGHT, 11, S0, `${ORIGIN}/epoch-0`),
    }),
    'what is no note': { ...valid, first: 'x' },
    'another key, which did not sign': { ...valid, key: S1.key },
  }
  for (const [name, proof] of Object.entries(attacks)) {
    it(`is invalid as ${name}`, () => {
      assert.equal(verdict(proof), 'PROOF_INVALID')
      assert.equal(verdict(proof, proof.key), 'PROOF_INVALID')
    })
  }

  it('of the right form but for another key is ignored, not rejected', () => {
    const thief = forkOf({ first: noteOf(LEFT, 7, S1), second: noteOf(RIGHT, 11, S1) })
    assert.equal(verdict({ ...thief, key: S1.key }, S1.key), undefined)
    assert.equal(verdict({ ...thief, key: S1.key }, S0.key), 'PROOF_KEY')
  })

  it('convicts the witnesses that cosigned both, and nobody else', () => {
    const [w1, w2, w3] = WITNESSES as [Identity, Identity, Identity]
    const cosigned = (note: Note, by: readonly Identity[]): Note => ({
      ...note,
      signatures: [...note.signatures, ...by.map(who => cosignatureOf(note, 1, keyOf(who)))],
    })
    const [first, second] = [cosigned(noteOf(LEFT, 7), [w1, w2]), cosigned(noteOf(RIGHT, 11), [w3, w2])]
    const forged = { ...second, signatures: [...second.signatures, ...first.signatures.slice(1, 2)] }
    const proof = forkOf({ first, second: forged })
    assert.equal(verdict(proof), undefined)
    assert.deepEqual(convictedWitnesses(proof, verifyPortable, sha256), [w2.key])
    assert.deepEqual(convictedWitnesses(valid, verifyPortable, sha256), [])
  })
})

describe('fork proof of two charters', () => {
  /** Two different charters with one id need a broken hash: this one sees no difference between them. */
  const twin = (() => {
    const body = { ...(CHARTER.record.body as object), law: { ...LAW, endpoints: ['/ip4/127.0.0.1/tcp/1'] } }
    return opened(makeRecord('charter', body), [S0, W, ...WITNESSES], 0)
  })()
  const colliding = (bytes: Uint8Array): Uint8Array =>
    sha256(Buffer.from(bytes).equals(twin.recordBytes) ? CHARTER.recordBytes : bytes)
  const charters = (a: Uint8Array, b: Uint8Array): ChartersFork => makeChartersFork(SOCIETY, [a, b])
  const judged = (proof: ForkProof, hash = colliding): Code | undefined =>
    verifyForkProof(proof, S0.key, verifyPortable, hash)?.code

  it('holds when both are signed and have one id', () => {
    const proof = charters(CHARTER.bytes, twin.bytes)
    assert.equal(judged(proof), undefined)
    assert.deepEqual(proof, charters(twin.bytes, CHARTER.bytes))
    assert.equal(epochOfFork(proof), undefined)
    assert.deepEqual(convictedWitnesses(proof, verifyPortable, sha256), [])
  })

  it('is invalid otherwise', () => {
    const later = encodeEntry(CHARTER, 0, 1)
    const unsigned = encodeEntry({ ...twin, sigs: CHARTER.sigs }, 0, 0)
    assert.equal(judged(charters(CHARTER.bytes, CHARTER.bytes)), 'PROOF_INVALID', 'one charter twice')
    assert.equal(
      judged(charters(CHARTER.bytes, later)),
      'PROOF_INVALID',
      'only the time of the entry, which nobody signs, differs',
    )
    assert.equal(judged(charters(CHARTER.bytes, unsigned)), 'PROOF_INVALID', 'signatures of the other')
    assert.equal(judged(charters(CHARTER.bytes, twin.bytes), sha256), 'PROOF_INVALID', 'two ids')
    assert.equal(judged(charters(CHARTER.bytes, encodeEntry(twin, 1, 0))), 'PROOF_INVALID', 'not entry 0')
    assert.equal(judged(charters(CHARTER.bytes, CHANGE.bytes)), 'PROOF_INVALID', 'no charter')
    assert.equal(
      judged({ ...charters(CHARTER.bytes, twin.bytes), society: logOf(charterOf('other'), sha256) }),
      'PROOF_INVALID',
      'of another society',
    )
  })
})

describe('bytes of a fork proof', () => {
  const notes = forkOf({
    first: noteOf(TWICE, 8, S1),
    firstKeys: [linkOf(CHARTER, TWICE, 8), linkOf(CHANGE, TWICE, 8)],
  })
  const charters = makeChartersFork(SOCIETY, [CHARTER.bytes, CHARTER.bytes])

  it('are read back as what was written', () => {
    for (const proof of [forkOf(), notes, charters]) {
      assert.deepEqual(decodeForkProof(encodeForkProof(proof)), { ok: true, value: proof })
    }
  })

  it('have one spelling', () => {
    const { root: _root, ...rootless } = notes
    const loose = notes.first_keys?.[0] as KeyLink
    const defects: [name: string, value: unknown, code: Code][] = [
      ['null', null, 'FORMAT_SCHEMA'],
      ['a list', [], 'FORMAT_SCHEMA'],
      ['a member missing', rootless, 'FORMAT_SCHEMA'],
      ['a member more', { ...notes, extra: 1 }, 'FORMAT_UNKNOWN_FIELD'],
      ['both forms at once', { ...notes, ...charters }, 'FORMAT_UNKNOWN_FIELD'],
      ['version 2', { ...notes, v: 2 }, 'FORMAT_SCHEMA'],
      ['three charters', { ...charters, charters: [...charters.charters, 'AAAA'] }, 'FORMAT_SCHEMA'],
      ['a root in another spelling', { ...notes, root: `${notes.root.slice(0, 42)}B` }, 'FORMAT_SCHEMA'],
      ['an entry in another spelling', { ...charters, charters: ['AB', 'AAAA'] }, 'FORMAT_ENCODING'],
      ['a link in another spelling', { ...notes, second_keys: [loose, { ...loose, entry: 'AB' }] }, 'FORMAT_ENCODING'],
      ['no links', { ...notes, first_keys: [] }, 'FORMAT_SCHEMA'],
      ['one link, which changes nothing', { ...notes, first_keys: [loose] }, 'FORMAT_SCHEMA'],
      ['five links', { ...notes, first_keys: Array(5).fill(loose) }, 'FORMAT_SCHEMA'],
      ['a proof with too many steps', { ...notes, proof: Array(65).fill(notes.root) }, 'FORMAT_SCHEMA'],
    ]
    for (const [name, value, code] of defects) {
      const decoded = decodeForkProof(utf8Encode(canonicalText(value as Json)))
      assert.equal(decoded.ok ? undefined : decoded.error.code, code, name)
    }
    const raw = (text: string): Code | undefined => {
      const decoded = decodeForkProof(utf8Encode(text))
      return decoded.ok ? undefined : decoded.error.code
    }
    const text = canonicalText(notes as unknown as Json)
    assert.equal(raw(text.slice(1)), 'FORMAT_JSON')
    assert.equal(raw(` ${text}`), 'FORMAT_NOT_CANONICAL')
    assert.equal(raw('x'.repeat(FORK_PROOF_BYTES_MAX + 1)), 'FORMAT_TOO_LARGE')
  })

  it('hold no longer after any change', () => {
    const bytes = encodeForkProof(forkOf())
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const decoded = decodeForkProof(bytes.with(at, (bytes[at] as number) ^ mask))
        assert.ok(!decoded.ok || verdict(decoded.value) !== undefined)
      }),
      { numRuns: 100 },
    )
  })
})
