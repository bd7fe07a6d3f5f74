import assert from 'node:assert/strict'
import { toBase64url } from '../../src/encoding.ts'
import type { Law } from '../../src/records/law.ts'
import type { PeerRecognizeBody } from '../../src/records/peer-recognize.ts'
import { readState } from '../../src/state/model.ts'
import { federation, outsider } from '../support/federation.ts'
import { commitment, type Identity, identity, keysOf } from '../support/identity.ts'
import type { TestSociety } from '../support/society.ts'

function friends(): [TestSociety, TestSociety, TestSociety, TestSociety] {
  return federation() as [TestSociety, TestSociety, TestSociety, TestSociety]
}

const recognise = (body: PeerRecognizeBody) => ({ kind: 'peer.recognize', body })
const stranger = identity('stranger')

/** The peer's law changes; gives the seq of its entry. */
function amend(
  peer: TestSociety,
  changes: Partial<Law>,
  signers: readonly Identity[] = [peer.society],
  members: object = {},
): number {
  const law = { ...peer.law, number: peer.law.number + 1, ...changes }
  return peer.append({ kind: 'law.update', body: { law, ...members }, signers }).seq
}

describe('peer.recognize, later laws', () => {
  it('follows new witnesses, vouched for by the ones before', () => {
    const [log] = friends()
    const peer = outsider()
    log.append(recognise(peer.recognition()))
    const before = peer.witnesses
    const fresh = identity('outer 3')
    const seq = amend(peer, { finality: { quorum: 2, witnesses: keysOf([...before.slice(0, 2), fresh]) } }, [
      peer.society,
      fresh,
    ])
    assert.equal(
      log.refusal(recognise(peer.recognition(seq, { cosigners: [...before.slice(0, 1), fresh] }))),
      'PEER_QUORUM',
    )
    assert.equal(log.refusal(recognise(peer.recognition(seq, { cosigners: before.slice(0, 2) }))), 'PEER_QUORUM')
    log.append(recognise(peer.recognition(seq, { cosigners: before })))
    const state = readState.peer(log, peer.id)
    assert.equal(state?.number, 1)
    assert.equal(state.size, seq + 1)
    assert.equal(state.quorum, 2)
    assert.deepEqual(state.witnesses, peer.law.finality.witnesses)
    assert.equal(log.refusal(recognise(peer.recognition(seq, { cosigners: before }))), 'PEER_OLDER')
    assert.equal(log.refusal(recognise(peer.recognition(0, { cosigners: before }))), 'PEER_OLDER')
  })

  it('follows a new society key, which signs the note', () => {
    const [log] = friends()
    const peer = outsider()
    log.append(recognise(peer.recognition()))
    const old = peer.society
    const after = identity('outside after next')
    const seq = amend(peer, {}, [peer.next], { next: commitment(after), society_key: peer.next.key })
    assert.equal(log.reason(recognise(peer.recognition(seq, { logKey: old }))), 'PEER_EVIDENCE note: NOTE_SIGNATURE')
    log.append(recognise(peer.recognition(seq, { logKey: peer.next })))
    assert.equal(readState.peer(log, peer.id)?.key, peer.next.key)
    assert.equal(readState.peer(log, peer.id)?.next, commitment(after))
  })

  it('follows a new witness key and lets the old one go', () => {
    const [log] = friends()
    const peer = outsider()
    log.append(recognise(peer.recognition()))
    const fresh = identity('outside second witness')
    const seq = amend(peer, { witness_key: fresh.key }, [peer.society, fresh])
    log.append(recognise(peer.recognition(seq)))
    assert.equal(readState.witnessKey(log, peer.witness.key), undefined)
    assert.equal(readState.witnessKey(log, fresh.key), peer.id)
  })

  it('skips laws that change no relations, and refuses them', () => {
    const [log] = friends()
    const peer = outsider()
    log.append(recognise(peer.recognition()))
    const seq = amend(peer, { endpoints: ['/dns4/example.org/tcp/1'] })
    assert.equal(log.refusal(recognise(peer.recognition(seq))), 'PEER_OLDER')
    const fresh = identity('outside second witness')
    const next = amend(peer, { witness_key: fresh.key }, [peer.society, fresh])
    assert.equal(log.refusal(recognise(peer.recognition(next))), undefined)
  })

  it('leaves out no handover', () => {
    const [log] = friends()
    const peer = outsider()
    log.append(recognise(peer.recognition()))
    const before = peer.witnesses
    const [fresh, last] = [identity('outer 3'), identity('outer 4')]
    amend(peer, { finality: { quorum: 3, witnesses: keysOf([...before, fresh]) } }, [peer.society, fresh])
    const seq = amend(peer, { finality: { quorum: 4, witnesses: keysOf([...before, fresh, last]) } }, [
      peer.society,
      last,
    ])
    assert.equal(
      log.reason(recognise(peer.recognition(seq, { cosigners: before }))),
      'PEER_EVIDENCE law.update: SIGNER_WRONG',
    )
  })

  it('takes no law of somebody else, nor other entries', () => {
    const [log, one, two] = friends()
    const seq = amend(two, { finality: { ...two.law.finality, quorum: 2 } })
    assert.equal(log.refusal(recognise({ ...two.recognition(seq), peer: one.id })), 'PEER_EVIDENCE')
    assert.equal(log.refusal(recognise(one.recognition(1))), 'PEER_EVIDENCE')
  })

  it('takes no law that is void by its bytes and what is recognised', () => {
    // Only liars among its witnesses would cosign such a law, but that is no reason to follow them.
    const [log, peer] = friends()
    const law = { ...peer.law, number: 1 }
    const cases: [reason: string, body: object, signers: readonly Identity[]][] = [
      ['law.update: LAW_NEXT_KEY', { law, next: commitment(stranger), society_key: stranger.key }, [stranger]],
      ['law.update: SIGNER_WRONG', { law: { ...law, witness_key: stranger.key } }, [peer.society]],
      ['law.update: SIGNER_WRONG', { law: { ...law, witness_key: stranger.key } }, [stranger]],
      ['law.update: LAW_QUORUM', { law: { ...law, finality: { ...law.finality, quorum: 1 } } }, [peer.society]],
      ['protocol 2', { law: { ...law, protocol: 2, finality: { ...law.finality, quorum: 2 } } }, [peer.society]],
    ]
    for (const [reason, body, signers] of cases) {
      const entry = toBase64url(peer.draft({ kind: 'law.update', body, signers }))
      assert.equal(log.reason(recognise({ ...peer.recognition(), entry })), `PEER_EVIDENCE ${reason}`)
    }
  })

  it("takes no other society's witness key", () => {
    const [log, friend] = friends()
    const peer = outsider()
    log.append(recognise(peer.recognition()))
    for (const taken of [log.witness, friend.witness]) {
      const law = { ...peer.law, number: 1, witness_key: taken.key }
      const entry = toBase64url(peer.draft({ kind: 'law.update', body: { law }, signers: [peer.society, taken] }))
      const reason = log.reason(recognise({ ...peer.recognition(), entry }))
      assert.equal(reason, "PEER_EVIDENCE another society's witness key")
    }
  })
})
