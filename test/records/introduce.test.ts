import assert from 'node:assert/strict'
import { utf8Decode, utf8Encode } from '../../src/canonical.ts'
import { fromBase64url, toBase64url } from '../../src/encoding.ts'
import type { IntroduceBody } from '../../src/records/introduce.ts'
import { standingBytes, verifyStanding } from '../../src/records/standing.ts'
import type { Code } from '../../src/rejection.ts'
import { readState } from '../../src/state/model.ts'
import { HOUR_MS } from '../../src/units.ts'
import { federation } from '../support/federation.ts'
import { context, hashText, type Identity, identity } from '../support/identity.ts'
import type { TestSociety } from '../support/society.ts'

const ada = identity('s0 ada')
const fresh = identity('fresh')
const stranger = identity('stranger')
const introduce = (body: IntroduceBody) => ({ kind: 'introduce', body })

interface Setting {
  readonly home: TestSociety
  readonly log: TestSociety
  readonly other: TestSociety
  readonly lct: string
  readonly witnesses: readonly Identity[]
}

/** Ada is born in `home`; `log` may introduce her. */
function start(): Setting {
  const [home, log, other] = federation() as [TestSociety, TestSociety, TestSociety, TestSociety]
  home.append(home.birth('ada', 'human', home.witnesses))
  return { home, log, other, lct: home.lctOf(ada, 'human'), witnesses: home.witnesses }
}

describe('introduce', () => {
  it('registers a foreign LCT', () => {
    const { home, log, lct } = start()
    log.append(introduce(home.introduction(lct)))
    assert.deepEqual(readState.lct(log, lct), { foreign: home.size, key: ada.key, status: 'active', type: 'human' })
    assert.equal(readState.key(log, ada.key), lct)
  })

  it('brings key and status up to date, with a larger size only', () => {
    const { home, log, lct } = start()
    const first = home.introduction(lct)
    log.append(introduce(first))
    assert.equal(log.refusal(introduce(first)), 'PEER_OLDER')
    home.append({
      kind: 'lct.rotate',
      author: lct,
      signers: [ada, fresh],
      body: { key: fresh.key, old: ada.key, overlap_ms: 0 },
    })
    home.append({ kind: 'lct.suspend', body: { lct } })
    log.append(introduce(home.introduction(lct)))
    assert.deepEqual(readState.lct(log, lct), {
      foreign: home.size,
      key: fresh.key,
      status: 'suspended',
      type: 'human',
    })
    assert.equal(readState.key(log, ada.key), lct)
    assert.equal(readState.key(log, fresh.key), lct)
    assert.equal(log.refusal(introduce(first)), 'PEER_OLDER')
  })

  it('never brings back the revoked', () => {
    const { home, log, lct } = start()
    home.append({ kind: 'lct.revoke', body: { lct } })
    log.append(introduce(home.introduction(lct)))
    assert.equal(readState.lct(log, lct)?.status, 'revoked')
    const back = home.standing(lct, { size: home.size + 5, status: 'active' })
    assert.equal(log.refusal(introduce(home.introduction(lct, back))), 'LCT_STATUS')
  })

  it('is the business of the society', () => {
    const { home, log, lct } = start()
    log.append(introduce(home.introduction(lct)))
    assert.equal(log.refusal({ ...introduce(home.introduction(lct)), author: lct, signers: [ada] }), 'AUTHOR_FORBIDDEN')
    assert.equal(log.refusal({ ...introduce(home.introduction(lct)), signers: [home.society] }), 'SIGNER_WRONG')
  })

  it('needs relations', () => {
    const [home, log] = federation({ recognised: false }) as [TestSociety, TestSociety]
    const friends = start()
    const body = friends.home.introduction(friends.lct)
    assert.equal(log.refusal(introduce({ ...body, standing: { ...body.standing, society: home.id } })), 'PEER_UNKNOWN')
    friends.log.append({ kind: 'peer.block', body: { peer: friends.home.id } })
    assert.equal(friends.log.refusal(introduce(body)), 'PEER_BLOCKED')
    const own = friends.home.introduction(friends.lct)
    assert.equal(friends.home.refusal(introduce(own)), 'PEER_UNKNOWN')
  })

  it('takes no key of another LCT, nor the society key', () => {
    const { home, log, other, lct } = start()
    const born = log.birth('twin', 'human', log.witnesses, { key: ada.key })
    log.append({ ...born, signers: [log.society, ada, ...log.witnesses] })
    assert.equal(log.refusal(introduce(home.introduction(lct))), 'KEY_TAKEN')
    const ruler = home.standing(lct, { key: other.society.key })
    assert.equal(other.refusal(introduce(home.introduction(lct, ruler))), 'KEY_TAKEN')
  })

  it('needs exactly q cosignatures', () => {
    const { home, log, lct, witnesses } = start()
    for (const cosigners of [witnesses.slice(0, 2), [...witnesses.slice(0, 2), stranger], [...witnesses, stranger]]) {
      assert.equal(log.refusal(introduce(home.introduction(lct, undefined, { cosigners }))), 'PEER_QUORUM')
    }
  })

  const times: [what: string, shiftMs: number, code: Code | undefined][] = [
    ['an hour old', -HOUR_MS, undefined],
    ['older', -HOUR_MS - 1_000, 'INTRODUCTION_STALE'],
    ['five minutes ahead', 300_000, undefined],
    ['further ahead', 301_000, 'INTRODUCTION_STALE'],
  ]
  for (const [what, shiftMs, code] of times) {
    it(`cosignatures ${what}: ${code ?? 'good'}`, () => {
      const { home, log, lct } = start()
      const entryTime = home.clock
      const body = home.introduction(lct, undefined, { time: entryTime + shiftMs })
      assert.equal(log.refusal({ ...introduce(body), entryTime }), code)
    })
  }

  it('counts the oldest of the cosignatures', () => {
    const { home, log, lct, witnesses } = start()
    const [first, ...rest] = witnesses as [Identity, ...Identity[]]
    const now = home.note({ cosigners: rest })
    const old = home.note({ cosigners: [first], time: home.clock - 2 * HOUR_MS })
    const note = toBase64url(utf8Encode(`${now}${old.trimEnd().split('\n').at(-1)}\n`))
    assert.equal(log.refusal(introduce({ ...home.introduction(lct), note })), 'INTRODUCTION_STALE')
  })

  for (const [shiftMs, code] of [
    [-300_000, undefined],
    [-300_001, 'INTRODUCTION_STALE'],
    [300_000, undefined],
    [300_001, 'INTRODUCTION_STALE'],
  ] as const) {
    it(`standing ${shiftMs} ms from the entry: ${code ?? 'good'}`, () => {
      const { home, log, lct } = start()
      const entryTime = home.clock
      const body = home.introduction(lct, home.standing(lct, { time: entryTime + shiftMs }))
      assert.equal(log.refusal({ ...introduce(body), entryTime }), code)
    })
  }

  it('refuses evidence that does not hold', () => {
    const { home, log, lct } = start()
    const good = home.introduction(lct)
    const bad: [reason: string, body: IntroduceBody][] = [
      ['entry: SIGNATURE_INVALID', { ...good, birth: tampered(good.birth, '"rights":["act"]', '"rights":["all"]') }],
      ['entry: FORMAT_JSON', { ...good, birth: 'AAAA' }],
      ['note: NOTE_SIGNATURE', home.introduction(lct, undefined, { logKey: stranger })],
      ['note: NOTE_ORIGIN', { ...good, note: toBase64url(utf8Encode(log.note())) }],
      ['proof', { ...good, proof: [] }],
      ['proof', { ...good, proof: good.proof.map(() => hashText('x')) }],
      ['proof', { ...good, note: toBase64url(utf8Encode(home.note({ size: home.size - 1 }))) }],
    ]
    for (const [reason, body] of bad) assert.equal(log.reason(introduce(body)), `PEER_EVIDENCE ${reason}`)
  })

  it('refuses what does not fit together', () => {
    const { home, log, other, lct } = start()
    home.append(home.birth('bob', 'ai', home.witnesses))
    const bob = home.lctOf(identity('s0 bob'), 'ai')
    const good = home.introduction(lct)
    const charter = { birth: toBase64url(home.entries[0]?.bytes as Uint8Array), proof: home.proof(0) }
    const { sig } = home.standing(lct, { status: 'suspended' })
    const bad: [reason: string, body: IntroduceBody][] = [
      ['standing: SIGNATURE_INVALID', home.introduction(lct, home.standing(lct, {}, stranger))],
      ['standing: SIGNATURE_INVALID', home.introduction(lct, home.standing(lct, {}, other.society))],
      ['standing: SIGNATURE_INVALID', { ...good, standing: { ...good.standing, sig } }],
      ['birth of another LCT', { ...good, standing: home.standing(bob) }],
      ['standing before birth', home.introduction(lct, home.standing(lct, { size: 4 }))],
      ['not a birth of that society', { ...good, ...charter }],
    ]
    for (const [reason, body] of bad) assert.equal(log.reason(introduce(body)), `INTRODUCTION_EVIDENCE ${reason}`)
    assert.equal(log.refusal(introduce(home.introduction(lct, home.standing(lct, { size: 5 })))), undefined)
  })
})

describe('standing', () => {
  it('is signed as it is written down', () => {
    const { home, lct } = start()
    const standing = home.standing(lct)
    assert.equal(
      utf8Decode(standingBytes(standing)),
      `web4/standing/1\n{"key":"${ada.key}","lct":"${lct}","size":5,"society":"${home.id}","status":"active","time":${home.clock}}`,
    )
    assert.equal(verifyStanding(standing, home.society.key, context.verifySignature), true)
    assert.equal(verifyStanding({ ...standing, size: 6 }, home.society.key, context.verifySignature), false)
    assert.equal(verifyStanding(standing, 'no key', context.verifySignature), false)
  })
})

function tampered(text: string, find: string, replace: string): string {
  const before = utf8Decode(fromBase64url(text) as Uint8Array) as string
  assert.ok(before.includes(find))
  return toBase64url(utf8Encode(before.replace(find, replace)))
}
