import { utf8Decode, utf8Encode } from '../../src/canonical.ts'
import { fromBase64url, toBase64url } from '../../src/encoding.ts'
import { HOUR_MS } from '../../src/units.ts'
import { outsider } from '../../test/support/federation.ts'
import { hashText, identity } from '../../test/support/identity.ts'
import type { NoteOptions } from '../../test/support/society.ts'
import type { RecordCases } from './record-file.ts'
import { amend, peopled, recognised, rich, status, type World } from './world.ts'

const recognise = (body: object) => ({ kind: 'peer.recognize', body })
const introduce = (body: object) => ({ kind: 'introduce', body })
const stranger = identity('stranger')

/** The text of an entry in base64url with one part replaced. */
function tampered(encoded: string, find: string, replace: string): string {
  const before = utf8Decode(fromBase64url(encoded) as Uint8Array) as string
  if (!before.includes(find)) throw new Error(`no ${find}`)
  return toBase64url(utf8Encode(before.replace(find, replace)))
}

function recognizeCases(cases: RecordCases): void {
  const { s0: log, s1 } = recognised()
  const peer = outsider()
  const good = peer.recognition()
  cases.add(log, 'charter', "another society's charter with proof and note", recognise(good))
  cases.addShared(log, recognise(good), 'note')
  const bad = (
    id: string,
    comment: string,
    body: object,
    code: 'PEER_EVIDENCE' | 'PEER_QUORUM' | 'FORMAT_ENCODING' | 'PEER_UNKNOWN',
  ) => cases.add(log, id, comment, recognise({ ...good, ...body }), code)
  bad('spelling', 'base64url with unused bits', { entry: 'AAB' }, 'FORMAT_ENCODING')
  bad('note-of-another', 'a note of another log', { note: s1.recognition().note }, 'PEER_EVIDENCE')
  bad('proof-less', 'the entry is not in the tree of the note', { proof: [hashText('x')] }, 'PEER_EVIDENCE')
  bad(
    'entry-changed',
    'an entry that its signers did not sign',
    { entry: tampered(good.entry, '"base_ppm":50000', '"base_ppm":60000') },
    'PEER_EVIDENCE',
  )
  bad('entry-garbage', 'no entry at all', { entry: toBase64url(utf8Encode('{}')) }, 'PEER_EVIDENCE')
  bad('log-key', 'a note that another key signed', peer.recognition(0, { logKey: stranger }), 'PEER_EVIDENCE')
  bad('own', 'the own society', log.recognition(), 'PEER_EVIDENCE')
  const [first, second] = peer.witnesses
  const by = (...cosigners: (typeof first)[]): NoteOptions => ({ cosigners: cosigners.flatMap(who => who ?? []) })
  bad('quorum-less', 'one cosignature too few', peer.recognition(0, by(first, second)), 'PEER_QUORUM')
  bad('quorum-more', 'one cosignature too many', peer.recognition(0, by(...peer.witnesses, stranger)), 'PEER_QUORUM')
  bad(
    'quorum-stranger',
    'a stranger in place of a witness',
    peer.recognition(0, by(first, second, stranger)),
    'PEER_QUORUM',
  )
  const practice = outsider(law => ({ ...law, finality: { quorum: 0, witnesses: [] } }))
  bad('practice', 'a practice log', practice.recognition(), 'PEER_QUORUM')

  const seq = peer.append(amend(peer, { witness_key: log.witness.key }, {}, [peer.society, log.witness])).seq
  bad('law-first', 'a law.update of a society that is not recognised', peer.recognition(seq), 'PEER_UNKNOWN')
  log.append(recognise(good))
  cases.add(log, 'again', 'the charter again', recognise(good), 'PEER_OLDER')
  cases.add(
    log,
    'witness-key-taken',
    'a witness key of somebody else',
    recognise(peer.recognition(seq)),
    'PEER_EVIDENCE',
  )
  handoverCases(cases)
}

/** Later laws of a society that is recognised. */
function handoverCases(cases: RecordCases): void {
  const { s0: log, s1 } = recognised()
  const peer = outsider()
  log.append(recognise(peer.recognition()))
  const before = peer.witnesses
  const fresh = identity('outer 3')
  const witnesses = [...before.slice(1), fresh].map(({ key }) => key).sort()
  const { seq } = peer.append(amend(peer, { finality: { quorum: 2, witnesses } }, {}, [peer.society, fresh]))
  cases.add(
    log,
    'handover',
    'new witnesses, vouched for by the ones before',
    recognise(peer.recognition(seq, { cosigners: before })),
  )
  const newSet = { cosigners: [...before.slice(1, 2), fresh] }
  cases.add(
    log,
    'handover-new-set',
    'vouched for by the new ones themselves',
    recognise(peer.recognition(seq, newSet)),
    'PEER_QUORUM',
  )
  const nothing = peer.append(amend(peer, { ceilings: { charge: 1, mint: 1 } })).seq
  log.append(recognise(peer.recognition(seq, { cosigners: before })))
  const idle = peer.recognition(nothing, { cosigners: before.slice(1) })
  cases.add(log, 'nothing-new', 'a law that changes nothing that is recognised', recognise(idle), 'PEER_OLDER')
  cases.add(
    log,
    'older',
    'the handover again',
    recognise(peer.recognition(seq, { cosigners: before.slice(1) })),
    'PEER_OLDER',
  )
  log.append({ kind: 'peer.block', body: { peer: s1.id } })
  cases.add(log, 'blocked', 'relations have ended', recognise(s1.recognition()), 'PEER_BLOCKED')
}

function blockCases(cases: RecordCases): void {
  const { s0: log, s1 } = recognised()
  const good = { kind: 'peer.block', body: { evidence: hashText('why'), peer: s1.id } }
  cases.add(log, 'good', 'its witness key counts no more', good)
  cases.add(log, 'no-evidence', 'without evidence', { ...good, body: { peer: s1.id } })
  cases.addShared(log, good, 'peer')
  cases.add(
    log,
    'unknown',
    'a society that is not recognised',
    { ...good, body: { peer: outsider().id } },
    'PEER_UNKNOWN',
  )
  cases.add(log, 'stranger', 'another key', { ...good, signers: [stranger] }, 'SIGNER_WRONG')
  log.append(good)
  cases.add(log, 'again', 'blocked already', good, 'PEER_BLOCKED')
  const world = peopled()
  const byMember = { ...good, author: world.ada.lct, signers: [world.ada.key] }
  cases.add(world.s0, 'member', 'a member', byMember, 'AUTHOR_FORBIDDEN')
}

function introduceCases(cases: RecordCases): void {
  const { s0: log, s1: home, dora, s2 } = peopled()
  const good = home.introduction(dora.lct)
  const entryTime = log.clock + 1_000
  cases.add(log, 'good', 'birth, proof, note and standing', introduce(good))
  cases.addShared(log, introduce(good), 'standing')
  const standing = (...changes: Parameters<typeof home.standing> extends [string, ...infer Rest] ? Rest : never) =>
    introduce(home.introduction(dora.lct, home.standing(dora.lct, ...changes)))
  cases.add(log, 'suspended', 'with the status at home', standing({ status: 'suspended' }))
  cases.add(log, 'stranger', 'another key', { ...introduce(good), signers: [stranger] }, 'SIGNER_WRONG')
  const byMember = { ...introduce(good), author: log.lctOf(identity('s0 ada'), 'human'), signers: [identity('s0 ada')] }
  cases.add(log, 'member', 'a member', byMember, 'AUTHOR_FORBIDDEN')
  cases.add(log, 'spelling', 'base64url with unused bits', introduce({ ...good, birth: 'AAB' }), 'FORMAT_ENCODING')
  cases.add(log, 'key-taken', 'its key is the society key here', standing({ key: log.society.key }), 'KEY_TAKEN')
  const unknown = { ...good, standing: { ...good.standing, society: outsider().id } }
  cases.add(log, 'unknown', 'a society that is not recognised', introduce(unknown), 'PEER_UNKNOWN')
  const changed = tampered(good.birth, '"rights":["act"]', '"rights":["all"]')
  cases.add(
    log,
    'birth-changed',
    'a birth that its signers did not sign',
    introduce({ ...good, birth: changed }),
    'PEER_EVIDENCE',
  )
  cases.add(
    log,
    'proof-less',
    'the birth is not in the tree of the note',
    introduce({ ...good, proof: [] }),
    'PEER_EVIDENCE',
  )
  const few = home.introduction(dora.lct, undefined, { cosigners: home.witnesses.slice(1) })
  cases.add(log, 'quorum-less', 'one cosignature too few', introduce(few), 'PEER_QUORUM')
  const at = (time: number) => ({ ...introduce(home.introduction(dora.lct, undefined, { time })), entryTime })
  const second = Math.floor(entryTime / 1_000) * 1_000
  cases.add(log, 'cosigned-old', 'cosignatures older than an hour', at(second - HOUR_MS - 1_000), 'INTRODUCTION_STALE')
  cases.add(log, 'cosigned-ahead', 'cosignatures more than 300 s ahead', at(second + 301_000), 'INTRODUCTION_STALE')
  cases.add(log, 'standing-edge', 'a standing of 300 s before', {
    ...standing({ time: entryTime - 300_000 }),
    entryTime,
  })
  cases.add(
    log,
    'standing-old',
    'a millisecond more',
    { ...standing({ time: entryTime - 300_001 }), entryTime },
    'INTRODUCTION_STALE',
  )
  cases.add(
    log,
    'standing-forged',
    'a standing that another society signed',
    standing({}, s2.society),
    'INTRODUCTION_EVIDENCE',
  )
  cases.add(log, 'standing-early', 'a standing from before the birth', standing({ size: 4 }), 'INTRODUCTION_EVIDENCE')
  const other = home.lctOf(identity('s1 other'), 'human')
  const misfit = introduce({ ...good, standing: { ...good.standing, lct: other } })
  cases.add(log, 'misfit', 'the birth of another LCT', misfit, 'INTRODUCTION_EVIDENCE')
  laterIntroductions(cases)
}

/** Where the LCT is known already, or relations have ended. */
function laterIntroductions(cases: RecordCases): void {
  const { s0: log, s1: home, dora }: World = rich()
  const first = home.introduction(dora.lct)
  cases.add(log, 'again', 'nothing newer', introduce(first), 'PEER_OLDER')
  home.append(status('revoke', dora))
  const end = introduce(home.introduction(dora.lct))
  cases.add(log, 'update', 'revoked at home, revoked here', end)
  log.append(end)
  const back = home.standing(dora.lct, { size: home.size + 1, status: 'active' })
  cases.add(log, 'revoked', 'revoked is for ever', introduce(home.introduction(dora.lct, back)), 'LCT_STATUS')
  const apart = peopled()
  apart.s0.append({ kind: 'peer.block', body: { peer: apart.s1.id } })
  cases.add(
    apart.s0,
    'blocked',
    'relations have ended',
    introduce(apart.s1.introduction(apart.dora.lct)),
    'PEER_BLOCKED',
  )
}

export function relationCases(cases: RecordCases): void {
  introduceCases(cases)
  recognizeCases(cases)
  blockCases(cases)
}
