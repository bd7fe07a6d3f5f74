import assert from 'node:assert/strict'
import { readState } from '../../src/state/model.ts'
import { federation, outsider } from '../support/federation.ts'
import { hashText } from '../support/identity.ts'
import type { TestSociety } from '../support/society.ts'

describe('peer.block', () => {
  it('ends relations for ever', () => {
    const [log, peer] = federation() as [TestSociety, TestSociety]
    const block = { kind: 'peer.block', body: { evidence: hashText('why'), peer: peer.id } }
    assert.equal(log.refusal({ ...block, body: { peer: outsider().id } }), 'PEER_UNKNOWN')
    assert.equal(log.refusal({ ...block, signers: [peer.society] }), 'SIGNER_WRONG')
    log.append(block)
    assert.equal(readState.peer(log, peer.id)?.status, 'blocked')
    assert.equal(readState.witnessKey(log, peer.witness.key), undefined)
    assert.equal(log.refusal(block), 'PEER_BLOCKED')
    assert.equal(log.refusal({ kind: 'peer.recognize', body: peer.recognition(0, { size: 1 }) }), 'PEER_BLOCKED')
  })
})
