import { sha256 } from '../../node/crypto/sodium.ts'
import { fromBase64url } from '../../src/encoding.ts'
import { tlogProofOf } from '../../src/log/c2sp/bundle-proof.ts'
import { entryBundle } from '../../src/log/c2sp/tile-path.ts'
import { formatTlogProof } from '../../src/log/c2sp/tlog-proof.ts'
import { formatAddCheckpoint } from '../../src/log/c2sp/tlog-witness.ts'
import { formatVerifierKey, verifierKey } from '../../src/log/c2sp/verifier-key.ts'
import { cosignatureLine, cosignatureMessage, witnessName } from '../../src/log/cosignature.ts'
import { formatNote, type Note, originOf, parseNote, TYPE_COSIGNATURE, TYPE_ED25519 } from '../../src/log/note.ts'
import type { Seq } from '../../src/units.ts'
import { bundleOf, consistency, orderedNote } from '../../test/support/bundle.ts'
import { type Identity, identity } from '../../test/support/identity.ts'
import type { TestSociety } from '../../test/support/society.ts'
import { hex, type VectorCase, type VectorFiles } from './file.ts'
import { stories } from './world.ts'

/** What our logs look like from outside: to be checked with any C2SP implementation, byte for byte. */
export function c2spVectors(): VectorFiles {
  const [story] = stories()
  if (story === undefined) return {}
  const { log } = story
  const cases = [...checkpoints(log), ...proofs(log), ...requests(log), ...tiles(log)]
  return { 'c2sp/ours.json': { about: 'a log of ours in the formats of C2SP', cases } }
}

const PUBLIC = identity('public witness')
const PUBLIC_NAME = 'witness.example/w1'

const vkeyOf = (name: string, type: 0x01 | 0x04, { raw }: Identity) =>
  formatVerifierKey(verifierKey(name, type, raw, sha256))
const logKeyOf = (log: TestSociety) => vkeyOf(originOf(log.id), TYPE_ED25519, log.society)
const witnessKeysOf = (log: TestSociety) =>
  log.witnesses.map(witness => vkeyOf(witnessName(witness.key), TYPE_COSIGNATURE, witness))

function noteOf(log: TestSociety, size: Seq): Note {
  const note = parseNote(orderedNote(log, { size, cosigners: log.witnesses }))
  if (!note.ok) throw new Error('not a note')
  return note.value
}

/** With the line of a witness that does not count behind those that do. */
function publicly(note: Note, log: TestSociety): Note {
  const seconds = Math.floor(log.clock / 1_000)
  const key = verifierKey(PUBLIC_NAME, TYPE_COSIGNATURE, PUBLIC.raw, sha256)
  const line = cosignatureLine(key, seconds, PUBLIC.signNow(cosignatureMessage(note.text, seconds)))
  return { ...note, signatures: [...note.signatures, line] }
}

function checkpoints(log: TestSociety): VectorCase[] {
  return [1, 8, log.size].map(size => {
    const note = publicly(noteOf(log, size), log)
    return {
      id: `checkpoint-${size}`,
      comment: 'signed by the log, its witnesses and a public witness',
      tags: ['checkpoint'],
      note: formatNote(note),
      log: logKeyOf(log),
      cosigners: [...witnessKeysOf(log), vkeyOf(PUBLIC_NAME, TYPE_COSIGNATURE, PUBLIC)],
      leaves: log.entries.slice(0, size).map(({ leaf }) => hex(leaf)),
    }
  })
}

function proofs(log: TestSociety): VectorCase[] {
  return [0, 7, 12, log.size - 1].map(seq => {
    const bundle = bundleOf(log, { ...(seq === 0 ? {} : { seq }), note: { cosigners: log.witnesses } })
    const proof = tlogProofOf(bundle)
    if (!proof.ok) throw new Error('no bundle')
    return {
      id: `proof-${seq}`,
      comment: `tlog-proof of entry ${seq}, whose extra data is the entry`,
      tags: ['tlog-proof'],
      proof: formatTlogProof({ ...proof.value, note: publicly(proof.value.note, log) }),
      index: seq,
      entry: new TextDecoder().decode(log.entries[seq]?.bytes),
      log: logKeyOf(log),
      cosigners: witnessKeysOf(log),
    }
  })
}

function requests(log: TestSociety): VectorCase[] {
  const steps: readonly (readonly [Seq, Seq])[] = [
    [0, 3],
    [3, 8],
    [8, 8],
    [8, log.size],
  ]
  return steps.map(([from, to]) => {
    const note = noteOf(log, to)
    const proof = consistency(log, from, to).map(hash => fromBase64url(hash, 32) as Uint8Array)
    const own = { ...note, signatures: note.signatures.filter(({ name }) => name === note.checkpoint.origin) }
    return {
      id: `add-checkpoint-${from}-${to}`,
      comment: `what is sent to a public witness that holds ${from} entries`,
      tags: ['add-checkpoint'],
      request: formatAddCheckpoint({ oldSize: from, proof, note: own }),
      log: logKeyOf(log),
    }
  })
}

function tiles(log: TestSociety): VectorCase[] {
  return [4, log.size].map(width => {
    const entries = log.entries.slice(0, width)
    return {
      id: `bundle-${width}`,
      comment: 'the first entries as a tile of leaf hashes and as a bundle, in hex',
      tags: ['tile'],
      tile: entries.map(({ leaf }) => hex(leaf)).join(''),
      ...(width === 4 ? { bundle: hex(entryBundle(entries.map(({ bytes }) => bytes))) } : {}),
      path: `.p/${width}`,
    }
  })
}
