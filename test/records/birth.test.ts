import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import type { BirthBody } from '../../src/records/birth.ts'
import { birthLct } from '../../src/records/birth.ts'
import type { RecordOf } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { readState } from '../../src/state/model.ts'
import { federation } from '../support/federation.ts'
import { hashText, type Identity, identity, keysOf } from '../support/identity.ts'
import type { TestSociety } from '../support/society.ts'

type Four = [TestSociety, TestSociety, TestSociety, TestSociety]

function start(): { log: TestSociety; peers: [TestSociety, TestSociety, TestSociety]; three: Identity[] } {
  const [log, ...peers] = federation() as Four
  return { log, peers, three: peers.map(peer => peer.witness) }
}

const stranger = identity('stranger')

describe('birth', () => {
  it('registers an LCT, its key and its entity', () => {
    const { log, three } = start()
    const entry = log.append(log.birth('ada', 'human', three))
    const record = entry.record as unknown as RecordOf<'birth', BirthBody>
    const lct = birthLct(record, sha256)
    assert.match(lct, new RegExp(`^lct:web4:human:${log.id}:[a-z2-7]{26}$`))
    const { entity_ref, key } = record.body
    assert.deepEqual(readState.lct(log, lct), {
      birth: entry.seq,
      entity_ref,
      key,
      law: 0,
      lineage: [],
      responsibilities: ['keep the law'],
      rights: ['act'],
      status: 'active',
      type: 'human',
    })
    assert.equal(readState.key(log, key), lct)
    assert.deepEqual(readState.ref(log, entity_ref), [lct])
  })

  it('takes the own witness beside two other societies, and hardware evidence', () => {
    const { log, three } = start()
    const witnesses = [log.witness, ...three.slice(0, 2)]
    const hardware = { algorithm: 'p256', chain: hashText('chain'), key: 'AAAA', signature: 'AAAA' } as const
    assert.equal(log.refusal(log.birth('ada', 'device', witnesses, { hardware })), undefined)
    assert.equal(
      log.refusal(log.birth('ada', 'device', witnesses, { hardware: { ...hardware, key: 'AAB' } })),
      'FORMAT_ENCODING',
    )
  })

  it('refuses what the subject did not sign', () => {
    const { log, three } = start()
    const birth = log.birth('ada', 'human', three)
    assert.equal(log.refusal({ ...birth, signers: [log.society, ...three] }), 'PROOF_OF_POSSESSION_MISSING')
    assert.equal(log.refusal({ ...birth, body: { ...birth.body, key: stranger.key } }), 'PROOF_OF_POSSESSION_MISSING')
  })

  it('refuses what the society did not sign', () => {
    const { log, three } = start()
    const { body, ...birth } = log.birth('ada', 'human', three)
    const subject = identity('s0 ada')
    assert.equal(log.refusal({ ...birth, body, signers: [subject, ...three] }), 'SIGNER_WRONG')
    log.append({ kind: birth.kind, body, signers: birth.signers ?? [] })
    const author = log.lctOf(subject, 'human')
    assert.equal(
      log.refusal({
        ...log.birth('bob', 'human', three),
        author,
        signers: [subject, log.society, identity('s0 bob'), ...three],
      }),
      'AUTHOR_FORBIDDEN',
    )
  })

  it('needs exactly the quorum of witnesses', () => {
    const { log, three } = start()
    assert.equal(log.refusal(log.birth('ada', 'human', three.slice(0, 2))), 'BIRTH_WITNESS_COUNT')
    assert.equal(log.refusal(log.birth('ada', 'human', [...three, log.witness])), 'BIRTH_WITNESS_COUNT')
    const birth = log.birth('ada', 'human', three.slice(0, 2))
    const thrice = [...(birth.signers ?? []), three[0] as Identity, three[0] as Identity]
    assert.equal(log.refusal({ ...birth, signers: thrice }), 'BIRTH_WITNESS_TWICE')
  })

  it('refuses the subject as a witness', () => {
    const { log, peers, three } = start()
    const [first, ...rest] = three as [Identity, Identity, Identity]
    const born = log.birth('ada', 'human', [], { key: first.key })
    assert.equal(log.refusal({ ...born, signers: [log.society, first, log.witness, ...rest] }), 'BIRTH_WITNESS_SUBJECT')
    // A recognised witness key cannot be born either when the law does not list it.
    const law = { ...log.law, number: 1, birth: { quorum: 3, witnesses: keysOf([log.witness, ...rest]) } }
    log.append({ kind: 'law.update', body: { law } })
    const later = log.birth('ada', 'human', [], { key: first.key })
    assert.equal(
      log.refusal({ ...later, signers: [log.society, first, log.witness, ...rest] }),
      'BIRTH_WITNESS_SUBJECT',
    )
    assert.equal(readState.witnessKey(log, first.key), peers[0].id)
  })

  it('refuses a witness without a recognised society, or outside the law', () => {
    const [log, one, two] = federation({ recognised: false }) as Four
    const witnesses = [log.witness, one.witness, two.witness]
    assert.equal(log.refusal(log.birth('ada', 'human', witnesses)), 'BIRTH_WITNESS_UNQUALIFIED')
    log.append({ kind: 'peer.recognize', body: one.recognition() })
    assert.equal(log.refusal(log.birth('ada', 'human', witnesses)), 'BIRTH_WITNESS_UNQUALIFIED')
    log.append({ kind: 'peer.recognize', body: two.recognition() })
    assert.equal(log.refusal(log.birth('ada', 'human', witnesses)), undefined)
    assert.equal(
      log.refusal(log.birth('ada', 'human', [stranger, one.witness, two.witness])),
      'BIRTH_WITNESS_UNQUALIFIED',
    )
  })

  it('refuses the witness of a blocked society', () => {
    const { log, peers, three } = start()
    log.append({ kind: 'peer.block', body: { peer: peers[0].id } })
    assert.equal(log.refusal(log.birth('ada', 'human', three)), 'BIRTH_WITNESS_UNQUALIFIED')
  })

  it('needs two other societies', () => {
    const [log, peer] = federation({
      law: (law, index) => (index === 0 ? { ...law, birth: { ...law.birth, quorum: 2 } } : law),
    }) as Four
    assert.equal(log.refusal(log.birth('ada', 'human', [log.witness, peer.witness])), 'BIRTH_WITNESS_SOCIETIES')
  })

  it('takes a key once, and never the society key', () => {
    const { log, three } = start()
    const ada = log.append(log.birth('ada', 'human', three)).record.body as unknown as BirthBody
    const again = log.birth('bob', 'ai', three, { key: ada.key })
    const signers = [log.society, identity('s0 ada'), ...three]
    assert.equal(log.refusal({ ...again, signers }), 'KEY_TAKEN')
    log.append({ kind: 'lct.revoke', body: { lct: log.lctOf(identity('s0 ada'), 'human') } })
    assert.equal(log.refusal({ ...again, signers }), 'KEY_TAKEN')
    const ruler = log.birth('ruler', 'human', three, { key: log.society.key })
    assert.equal(log.refusal({ ...ruler, signers: [log.society, ...three] }), 'KEY_TAKEN')
  })

  it('registers one LCT per entity, with all revoked ones in its lineage', () => {
    const { log, three } = start()
    const entity_ref = hashText('one entity')
    const birth = (name: string, lineage: string[] = []) =>
      log.birth(name, 'human', three, { entity_ref, lineage: lineage.sort() })
    const lct = (name: string) => log.lctOf(identity(`s0 ${name}`), 'human')
    log.append(birth('first'))
    assert.equal(log.refusal(birth('second', [lct('first')])), 'ENTITY_TAKEN')
    log.append({ kind: 'lct.suspend', body: { lct: lct('first') } })
    assert.equal(log.refusal(birth('second', [lct('first')])), 'ENTITY_TAKEN')
    log.append({ kind: 'lct.revoke', body: { lct: lct('first') } })
    assert.equal(log.refusal(birth('second')), 'LINEAGE')
    log.append(birth('second', [lct('first')]))
    log.append({ kind: 'lct.revoke', body: { lct: lct('second') } })
    assert.equal(log.refusal(birth('third', [lct('second')])), 'LINEAGE')
    log.append(birth('third', [lct('first'), lct('second')]))
    assert.deepEqual(readState.ref(log, entity_ref), [lct('first'), lct('second'), lct('third')])
    assert.equal(log.refusal(log.birth('other', 'human', three, { lineage: [lct('first')] })), 'LINEAGE')
  })

  it('has a sorted lineage', () => {
    const { log, three } = start()
    const lct = log.lctOf(stranger, 'human')
    assert.equal(log.refusal(log.birth('ada', 'human', three, { lineage: [lct, lct] })), 'FORMAT_SCHEMA')
  })

  const refusals: [what: string, code: Code, change: Partial<BirthBody>][] = [
    ['another law', 'LAW_NUMBER', { law: 1 }],
    ['an unknown type', 'FORMAT_SCHEMA', { entity_type: 'ghost' as never }],
    ['control characters', 'FORMAT_SCHEMA', { rights: ['a\u0000'] }],
  ]
  for (const [what, code, change] of refusals) {
    it(`${what}: ${code}`, () => {
      const { log, three } = start()
      assert.equal(log.refusal(log.birth('ada', 'human', three, change)), code)
    })
  }
})
