import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { utf8Decode, utf8Encode } from '../../src/canonical.ts'
import { fromBase64url, toBase64url } from '../../src/encoding.ts'
import { logOf, openEntry } from '../../src/ingest/open.ts'
import { defaultLaw } from '../../src/records/law.ts'
import type { PeerRecognizeBody } from '../../src/records/peer-recognize.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { readState } from '../../src/state/model.ts'
import { DAY_MS } from '../../src/units.ts'
import { federation, outsider } from '../support/federation.ts'
import { commitment, entryBytes, hashText, identity, keysOf, override, signRecord } from '../support/identity.ts'
import { GENESIS_MS, type NoteOptions, TestSociety } from '../support/society.ts'

type Four = [TestSociety, TestSociety, TestSociety, TestSociety]

function strangers(): Four {
  return federation({ recognised: false }) as Four
}
function friends(): Four {
  return federation() as Four
}

const recognise = (body: PeerRecognizeBody) => ({ kind: 'peer.recognize', body })
const stranger = identity('stranger')

/** The bytes with one place changed, the last one if so asked. */
function tampered(text: string, find: string, replace: string, last = false): string {
  const before = utf8Decode(fromBase64url(text) as Uint8Array) as string
  const at = last ? before.lastIndexOf(find) : before.indexOf(find)
  assert.notEqual(at, -1)
  return toBase64url(utf8Encode(before.slice(0, at) + replace + before.slice(at + find.length)))
}

describe('peer.recognize, the charter', () => {
  it('is what relations begin with', () => {
    const [log, peer] = strangers()
    log.append(recognise(peer.recognition()))
    assert.deepEqual(readState.peer(log, peer.id), {
      key: peer.society.key,
      next: commitment(peer.next),
      number: 0,
      quorum: 3,
      size: 1,
      status: 'recognised',
      witness_key: peer.witness.key,
      witnesses: peer.law.finality.witnesses,
    })
    assert.equal(readState.witnessKey(log, peer.witness.key), peer.id)
    assert.equal(log.refusal(recognise(peer.recognition())), 'PEER_OLDER')
  })

  it('is the business of the society', () => {
    const [log, peer] = friends()
    const birth = log.append(log.birth('ada', 'human', log.witnesses))
    const author = log.lctOf(identity('s0 ada'), 'human')
    assert.equal(birth.seq, 4)
    assert.equal(
      log.refusal({ ...recognise(peer.recognition()), author, signers: [identity('s0 ada')] }),
      'AUTHOR_FORBIDDEN',
    )
    assert.equal(log.refusal({ ...recognise(peer.recognition()), signers: [stranger] }), 'SIGNER_WRONG')
  })

  it('needs exactly q cosignatures and no other line', () => {
    const [log, peer, two, three] = strangers()
    const cases: [Code | undefined, NoteOptions][] = [
      [undefined, { cosigners: [log.witness, two.witness, three.witness] }],
      ['PEER_QUORUM', { cosigners: [log.witness, two.witness] }],
      ['PEER_QUORUM', { cosigners: [] }],
      ['PEER_QUORUM', { cosigners: [log.witness, two.witness, stranger] }],
      ['PEER_QUORUM', { cosigners: [log.witness, two.witness, three.witness, stranger] }],
    ]
    for (const [code, options] of cases) assert.equal(log.refusal(recognise(peer.recognition(0, options))), code)
  })

  it('refuses one cosignature too many of the witnesses themselves', () => {
    const witnesses = [0, 1, 2, 3].map(i => identity(`outer ${i}`))
    const [log] = strangers()
    const peer = outsider(same => same, witnesses)
    assert.equal(peer.law.finality.quorum, 3)
    assert.equal(log.refusal(recognise(peer.recognition())), undefined)
    assert.equal(log.refusal(recognise(peer.recognition(0, { cosigners: witnesses }))), 'PEER_QUORUM')
  })

  it('refuses a cosignature that fails', () => {
    const [log, peer] = strangers()
    const body = peer.recognition()
    const note = utf8Decode(fromBase64url(body.note) as Uint8Array) as string
    const lines = note.split('\n')
    const last = lines.at(-2) as string
    lines[lines.length - 2] = `${last.slice(0, -10)}AAAAAAAA${last.slice(-2)}`
    assert.equal(log.refusal(recognise({ ...body, note: toBase64url(utf8Encode(lines.join('\n'))) })), 'PEER_QUORUM')
  })

  it('refuses a practice log', () => {
    const [log] = strangers()
    const practice = outsider(law => ({ ...law, finality: { quorum: 0, witnesses: [] } }))
    assert.equal(log.refusal(recognise(practice.recognition())), 'PEER_QUORUM')
  })

  it('refuses evidence that does not hold', () => {
    const [log, peer, other] = strangers()
    peer.append(recognise(other.recognition()))
    const good = peer.recognition()
    assert.equal(log.refusal(recognise(good)), undefined)
    // A log that was resumed has notes of a later epoch.
    assert.equal(log.refusal(recognise(peer.recognition(0, { origin: `web4/${peer.id}/epoch-1` }))), undefined)
    const bad: [reason: string, body: PeerRecognizeBody][] = [
      ['entry: SIGNATURE_INVALID', { ...good, entry: tampered(good.entry, '"slug":"s1"', '"slug":"s9"') }],
      ['entry: SIGNATURE_INVALID', { ...good, entry: tampered(good.entry, '"base_ppm":50000', '"base_ppm":60000') }],
      ['entry: FORMAT_UTF8', { ...good, entry: toBase64url(Uint8Array.of(0xff)) }],
      [
        'entry: STALE',
        { ...good, entry: tampered(good.entry, `,"time":${GENESIS_MS}}`, `,"time":${GENESIS_MS + DAY_MS + 1}}`, true) },
      ],
      ['not the charter of that society', { ...good, entry: other.recognition().entry }],
      ['not the charter of that society', { ...other.recognition(), peer: peer.id }],
      ['note: NOTE_ORIGIN', { ...good, note: other.recognition().note }],
      ['note: NOTE_ORIGIN', peer.recognition(0, { origin: `web4/${peer.id}/epoch-01` })],
      ['note: NOTE_SIGNATURE', peer.recognition(0, { logKey: stranger })],
      ['note: NOTE_FORMAT', { ...good, note: toBase64url(utf8Encode('web4/x\n')) }],
      ['note encoding', { ...good, note: toBase64url(Uint8Array.of(0xff)) }],
      ['proof', { ...good, proof: [] }],
      ['proof', { ...good, proof: [hashText('x')] }],
      ['proof', { ...good, proof: peer.proof(0, 1) }],
      ['the own society', log.recognition()],
    ]
    for (const [reason, body] of bad) assert.equal(log.reason(recognise(body)), `PEER_EVIDENCE ${reason}`)
    assert.equal(log.refusal(recognise(peer.recognition(1))), 'PEER_UNKNOWN')
    assert.equal(log.refusal(recognise({ ...good, entry: 'AAB' })), 'FORMAT_ENCODING')
    assert.equal(log.refusal(recognise({ ...good, note: 'AAB' })), 'FORMAT_ENCODING')
  })

  it('refuses charters that could found nothing', () => {
    const [log] = strangers()
    const peer = outsider()
    const record = override(peer.entries[0]?.record as AnyRecord, { 'body.interval_ms': 1 })
    const sigs = signRecord(record, [peer.society, peer.witness, ...peer.witnesses])
    const bytes = entryBytes(record, sigs, 0, GENESIS_MS)
    const opened = openEntry(bytes, sha256)
    assert.ok(opened.ok)
    const body = { ...peer.recognition(), entry: toBase64url(bytes), peer: logOf(opened.value, sha256) }
    assert.equal(log.reason(recognise(body)), 'PEER_EVIDENCE charter: LAW_VALUES')
  })

  it("refuses another society's witness key, and the own one", () => {
    const [log, peer] = strangers()
    log.append(recognise(peer.recognition()))
    for (const taken of [peer.witness, log.witness]) {
      const witnesses = [identity('outer 0')]
      const law = defaultLaw({ witness_key: taken.key, finality: keysOf(witnesses), birth: [] })
      const thief = new TestSociety({ slug: 'thief', law, witnesses, consents: [taken] })
      assert.equal(log.reason(recognise(thief.recognition())), "PEER_EVIDENCE another society's witness key")
    }
  })
})
