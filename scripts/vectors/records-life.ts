import { DAY_MS } from '../../src/units.ts'
import { hashText, type Identity, identity } from '../../test/support/identity.ts'
import type { Draftable } from '../../test/support/society.ts'
import type { RecordCases } from './record-file.ts'
import { peopled, recognised, rotate, status, type World } from './world.ts'

function birthCases(cases: RecordCases): void {
  const { s0: log } = recognised()
  const { witnesses } = log
  const birth = log.birth('ada', 'human', witnesses)
  const subject = identity('s0 ada')
  const [first, second] = witnesses as [Identity, Identity]
  const hardware = { algorithm: 'p256', chain: hashText('chain'), key: 'AAAA', signature: 'AAAA' }
  cases.add(log, 'human', 'three witnesses of three other societies', birth)
  cases.add(
    log,
    'own-witness',
    'the own witness key beside two other societies',
    log.birth('ada', 'ai', [log.witness, first, second]),
  )
  cases.add(log, 'hardware', 'with evidence of a secure element', { ...birth, body: { ...birth.body, hardware } })
  cases.addShared(log, birth, 'rights')

  const change = (changes: object, signers = birth.signers ?? []): Draftable => ({
    ...birth,
    body: { ...birth.body, ...changes },
    signers,
  })
  cases.add(
    log,
    'hardware-spelling',
    'base64url with unused bits',
    change({ hardware: { ...hardware, key: 'AAB' } }),
    'FORMAT_ENCODING',
  )
  cases.add(log, 'entity-type', 'no such entity type', change({ entity_type: 'robot' }), 'FORMAT_SCHEMA')
  cases.add(
    log,
    'lineage-unsorted',
    'lineage is not a sorted set',
    change({ lineage: lineageTwice(log.id) }),
    'FORMAT_SCHEMA',
  )
  cases.add(
    log,
    'no-possession',
    "the subject's key did not sign",
    change({}, [log.society, ...witnesses]),
    'PROOF_OF_POSSESSION_MISSING',
  )
  cases.add(
    log,
    'witness-thrice',
    'one witness thrice',
    change({}, [log.society, subject, first, first, first]),
    'BIRTH_WITNESS_TWICE',
  )
  cases.add(log, 'society-less', 'the society did not sign', change({}, [subject, ...witnesses]), 'SIGNER_WRONG')
  cases.add(log, 'law-number', 'another law than the one in force', change({ law: 1 }), 'LAW_NUMBER')
  witnessCases(cases)
  againCases(cases)
}

/** Who may witness a birth, and how many of them. */
function witnessCases(cases: RecordCases): void {
  const { s0: log, s1 } = recognised()
  const { witnesses } = log
  const birth = log.birth('ada', 'human', witnesses)
  const [first, second] = witnesses as [Identity, Identity]
  const asWitness = log.birth('ada', 'human', [], { key: first.key })
  const others = [log.witness, ...witnesses.slice(1)]
  cases.add(
    log,
    'subject-witness',
    'the subject is a witness',
    { ...asWitness, signers: [log.society, first, ...others] },
    'BIRTH_WITNESS_SUBJECT',
  )
  cases.add(
    log,
    'two-witnesses',
    'one witness too few',
    log.birth('ada', 'human', [first, second]),
    'BIRTH_WITNESS_COUNT',
  )
  cases.add(
    log,
    'four-witnesses',
    'one witness too many',
    log.birth('ada', 'human', [log.witness, ...witnesses]),
    'BIRTH_WITNESS_COUNT',
  )
  const stranger = identity('stranger')
  cases.add(
    log,
    'stranger',
    'a witness that the law does not list',
    log.birth('ada', 'human', [first, second, stranger]),
    'BIRTH_WITNESS_UNQUALIFIED',
  )
  const society = log.birth('ada', 'human', witnesses, { key: log.society.key })
  cases.add(
    log,
    'society-key',
    'the society key is born',
    { ...society, signers: [log.society, ...witnesses] },
    'KEY_TAKEN',
  )

  const apart = recognised().s0
  apart.append({ kind: 'peer.block', body: { peer: s1.id } })
  cases.add(apart, 'blocked-witness', 'a witness of a society that is blocked', birth, 'BIRTH_WITNESS_UNQUALIFIED')
  const small = recognised().s0
  small.append({
    kind: 'law.update',
    body: { law: { ...small.law, number: 1, birth: { ...small.law.birth, quorum: 2 } } },
  })
  const two = small.birth('ada', 'human', [small.witness, first])
  cases.add(small, 'one-other-society', 'witnesses of one other society only', two, 'BIRTH_WITNESS_SOCIETIES')
}

/** Births where there was one before. */
function againCases(cases: RecordCases): void {
  const { s0: log, ada, bob } = peopled()
  const { witnesses } = log
  const same = log.birth('eve', 'human', witnesses, { key: ada.key.key })
  cases.add(
    log,
    'key-taken',
    'a key that is in an LCT',
    { ...same, signers: [log.society, ada.key, ...witnesses] },
    'KEY_TAKEN',
  )
  const entity_ref = hashText('s0 ada')
  cases.add(
    log,
    'entity-taken',
    'an entity that lives already',
    log.birth('eve', 'human', witnesses, { entity_ref }),
    'ENTITY_TAKEN',
  )
  cases.add(
    log,
    'lineage-invented',
    'lineage of an entity that is new',
    log.birth('eve', 'human', witnesses, { lineage: [ada.lct] }),
    'LINEAGE',
  )
  log.append(status('revoke', ada))
  const reborn = { entity_ref, lineage: [ada.lct] }
  cases.add(log, 'reborn', 'again after revocation, with its lineage', log.birth('eve', 'human', witnesses, reborn))
  cases.add(
    log,
    'lineage-less',
    'the revoked LCT is not listed',
    log.birth('eve', 'human', witnesses, { entity_ref }),
    'LINEAGE',
  )
  const more = { entity_ref, lineage: [ada.lct, bob.lct].sort() }
  cases.add(log, 'lineage-more', 'another LCT is listed', log.birth('eve', 'human', witnesses, more), 'LINEAGE')
}

function lineageTwice(society: string): string[] {
  const lct = `lct:web4:human:${society}:${'a'.repeat(26)}`
  return [lct, lct]
}

function statusCases(cases: RecordCases): void {
  const suspended = (): World => {
    const world = peopled()
    world.s0.append(status('suspend', world.ada))
    return world
  }
  const foreign = (): World => {
    const world = peopled()
    world.s0.append({ kind: 'introduce', body: world.s1.introduction(world.dora.lct) })
    return world
  }
  for (const [kind, world, wrong] of [
    ['suspend', peopled(), suspended()],
    ['reactivate', suspended(), peopled()],
    ['revoke', peopled(), revoked()],
  ] as const) {
    const { s0: log, ada } = world
    const good = status(kind, ada)
    cases.add(log, 'good', 'the society changes a status', good)
    cases.add(log, 'no-reason', 'without a reason', { ...good, body: { lct: ada.lct } })
    cases.addShared(log, good, 'lct')
    cases.add(
      log,
      'two-signers',
      'another signature beside the society',
      { ...good, signers: [log.society, ada.key] },
      'SIGNATURE_COUNT',
    )
    cases.add(
      log,
      'own-business',
      'the LCT itself',
      { ...good, author: world.bob.lct, signers: [world.bob.key] },
      'AUTHOR_FORBIDDEN',
    )
    cases.add(log, 'stranger', 'another key', { ...good, signers: [identity('stranger')] }, 'SIGNER_WRONG')
    const unknown = log.lctOf(identity('nobody'), 'human')
    cases.add(log, 'unknown', 'no such LCT', { ...good, body: { lct: unknown } }, 'LCT_UNKNOWN')
    cases.add(wrong.s0, 'status', 'not from this status', status(kind, wrong.ada), 'LCT_STATUS')
    const abroad = foreign()
    const code = kind === 'reactivate' ? 'LCT_STATUS' : 'LCT_FOREIGN'
    cases.add(
      abroad.s0,
      'foreign',
      'an LCT of another society; its status comes first',
      status(kind, abroad.dora),
      code,
    )
  }
  const old = suspended()
  cases.add(old.s0, 'suspended', 'a suspended LCT is revoked', status('revoke', old.ada))
}

function revoked(): World {
  const world = peopled()
  world.s0.append(status('revoke', world.ada))
  return world
}

function rotateCases(cases: RecordCases): void {
  const { s0: log, ada, bob } = peopled()
  const [fresh, later] = [identity('s0 ada fresh'), identity('s0 ada later')]
  const good = rotate(ada, fresh)
  cases.add(log, 'overlap', 'the old key signs for a day more', good)
  cases.add(log, 'at-once', 'without overlap', rotate(ada, fresh, 0))
  cases.addShared(log, good, 'old')
  cases.add(log, 'old-only', 'the new key did not sign', { ...good, signers: [ada.key] }, 'SIGNATURE_COUNT')
  cases.add(
    log,
    'with-society',
    'the society signs as well',
    { ...good, signers: [ada.key, fresh, log.society] },
    'SIGNATURE_COUNT',
  )
  cases.add(
    log,
    'society',
    'the key of the society changes by law.update',
    { ...good, author: log.id, signers: [log.society, fresh] },
    'AUTHOR_FORBIDDEN',
  )
  cases.add(
    log,
    'other-new',
    'another key signs than the new one',
    { ...good, signers: [ada.key, later] },
    'SIGNER_WRONG',
  )
  cases.add(log, 'other-old', 'the old key is another one', rotate({ ...ada, key: later }, fresh), 'SIGNER_WRONG')
  cases.add(log, 'too-long', 'an overlap that the law does not allow', rotate(ada, fresh, DAY_MS + 1), 'LAW_VALUES')
  cases.add(log, 'key-taken', 'the key of another LCT', rotate(ada, bob.key), 'KEY_TAKEN')
  cases.add(log, 'society-key', 'the society key', rotate(ada, log.society), 'KEY_TAKEN')

  log.append(good)
  const again = { key: fresh, lct: ada.lct }
  cases.add(log, 'again', 'a second rotation; the first key is out', rotate(again, later))
  cases.add(log, 'overlapping', 'the overlapping key rotates nothing', rotate(ada, later), 'SIGNER_WRONG')
  cases.add(log, 'back', 'a key that was in this LCT before', rotate(again, ada.key), 'KEY_TAKEN')
  const abroad = peopled()
  abroad.s0.append({ kind: 'introduce', body: abroad.s1.introduction(abroad.dora.lct) })
  cases.add(abroad.s0, 'abroad', 'an introduced LCT rotates at home', rotate(abroad.dora, later), 'LCT_FOREIGN')
  cases.add(revoked().s0, 'revoked', 'a revoked author', good, 'AUTHOR_INACTIVE')
}

export function lifeCases(cases: RecordCases): void {
  birthCases(cases)
  statusCases(cases)
  rotateCases(cases)
}
