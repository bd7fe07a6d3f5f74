import assert from 'node:assert/strict'
import { readState } from '../../src/state/model.ts'
import { DAY_MS } from '../../src/units.ts'
import { federation } from '../support/federation.ts'
import { hashText, identity } from '../support/identity.ts'
import type { TestSociety } from '../support/society.ts'

const [ada, fresh, later, bob] = ['s0 ada', 'fresh', 'later', 's0 bob'].map(identity) as [
  ReturnType<typeof identity>,
  ReturnType<typeof identity>,
  ReturnType<typeof identity>,
  ReturnType<typeof identity>,
]

function start() {
  const [log, ...peers] = federation() as [TestSociety, TestSociety, TestSociety, TestSociety]
  const three = peers.map(peer => peer.witness)
  log.append(log.birth('ada', 'human', three))
  log.append(log.birth('bob', 'ai', three))
  return {
    log,
    peers,
    lct: log.lctOf(ada, 'human'),
    change: (kind: string, lct: string) => ({ kind: `lct.${kind}`, body: { lct } }),
  }
}

describe('lct.suspend, lct.reactivate, lct.revoke', () => {
  it('go through the states of life', () => {
    const { log, lct, change } = start()
    const status = () => readState.lct(log, lct)?.status
    assert.equal(log.refusal(change('reactivate', lct)), 'LCT_STATUS')
    log.append({ kind: 'lct.suspend', body: { lct, reason: hashText('why') } })
    assert.equal(status(), 'suspended')
    assert.equal(log.refusal(change('suspend', lct)), 'LCT_STATUS')
    log.append(change('reactivate', lct))
    assert.equal(status(), 'active')
    log.append(change('suspend', lct))
    log.append(change('revoke', lct))
    assert.equal(status(), 'revoked')
    for (const kind of ['suspend', 'reactivate', 'revoke'])
      assert.equal(log.refusal(change(kind, lct)), 'LCT_STATUS', kind)
  })

  it('are the business of the society alone', () => {
    const { log, lct, change } = start()
    for (const kind of ['suspend', 'revoke']) {
      assert.equal(log.refusal({ ...change(kind, lct), author: lct, signers: [ada] }), 'AUTHOR_FORBIDDEN')
      assert.equal(log.refusal({ ...change(kind, lct), signers: [ada] }), 'SIGNER_WRONG')
      assert.equal(log.refusal({ ...change(kind, lct), signers: [ada, log.society] }), 'SIGNATURE_COUNT')
      assert.equal(log.refusal(change(kind, log.lctOf(fresh, 'human'))), 'LCT_UNKNOWN')
    }
  })

  it('leave foreign LCTs to introduce', () => {
    const { log, peers, lct, change } = start()
    const peer = peers[0] as TestSociety
    peer.append({ kind: 'introduce', body: log.introduction(lct) })
    assert.equal(peer.refusal(change('suspend', lct)), 'LCT_FOREIGN')
    assert.equal(peer.refusal(change('revoke', lct)), 'LCT_FOREIGN')
  })

  it('end the overlap of a key when revoking', () => {
    const { log, lct, change } = start()
    log.append({
      kind: 'lct.rotate',
      author: lct,
      signers: [ada, fresh],
      body: { key: fresh.key, old: ada.key, overlap_ms: 1_000 },
    })
    log.append(change('suspend', lct))
    assert.notEqual(readState.lct(log, lct)?.overlap, undefined)
    log.append(change('revoke', lct))
    assert.equal(readState.lct(log, lct)?.overlap, undefined)
  })
})

describe('lct.rotate', () => {
  const rotation = (author: string, body: object = {}, signers = [ada, fresh]) => ({
    kind: 'lct.rotate',
    author,
    signers,
    body: { key: fresh.key, old: ada.key, overlap_ms: 60_000, ...body },
  })

  it('changes the key; the old one overlaps', () => {
    const { log, lct } = start()
    const { time } = log.append(rotation(lct))
    const rotated = readState.lct(log, lct)
    assert.equal(rotated?.key, fresh.key)
    assert.deepEqual(rotated.overlap, { key: ada.key, until: time + 60_000 })
    assert.equal(readState.key(log, fresh.key), lct)
    assert.equal(readState.key(log, ada.key), lct)
    // While both hold, the old key speaks for the author but cannot be rotated away again.
    assert.equal(log.refusal(rotation(lct, { key: later.key }, [ada, later])), 'SIGNER_WRONG')
    log.append(rotation(lct, { key: later.key, old: fresh.key, overlap_ms: 0 }, [fresh, later]))
    assert.equal(readState.lct(log, lct)?.overlap, undefined)
  })

  it('is signed by old and new key and nobody else', () => {
    const { log, lct } = start()
    assert.equal(log.refusal(rotation(lct, {}, [ada, later])), 'SIGNER_WRONG')
    assert.equal(log.refusal(rotation(lct, {}, [fresh, later])), 'SIGNER_WRONG')
    assert.equal(log.refusal(rotation(lct, { old: later.key }, [fresh, ada])), 'SIGNER_WRONG')
    assert.equal(log.refusal(rotation(lct, {}, [ada])), 'SIGNATURE_COUNT')
    assert.equal(log.refusal(rotation(lct, {}, [ada, fresh, log.society])), 'SIGNATURE_COUNT')
    assert.equal(log.refusal(rotation(log.id, {}, [log.society, fresh])), 'AUTHOR_FORBIDDEN')
  })

  it('takes only a key that was never in an LCT, nor the society key', () => {
    const { log, lct } = start()
    assert.equal(log.refusal(rotation(lct, { key: bob.key }, [ada, bob])), 'KEY_TAKEN')
    assert.equal(log.refusal(rotation(lct, { key: log.society.key }, [ada, log.society])), 'KEY_TAKEN')
    log.append(rotation(lct))
    assert.equal(log.refusal(rotation(lct, { key: ada.key, old: fresh.key }, [ada, fresh])), 'KEY_TAKEN')
  })

  it('keeps to the overlap that the law allows', () => {
    const { log, lct } = start()
    assert.equal(log.refusal(rotation(lct, { overlap_ms: DAY_MS })), undefined)
    assert.equal(log.refusal(rotation(lct, { overlap_ms: DAY_MS + 1 })), 'LAW_VALUES')
  })

  it('ends at the largest time there is', () => {
    const { log, lct } = start()
    const windows = { ...log.law.windows, rotation_ms: Number.MAX_SAFE_INTEGER }
    log.append({ kind: 'law.update', body: { law: { ...log.law, number: 1, windows } } })
    log.append(rotation(lct, { overlap_ms: Number.MAX_SAFE_INTEGER }))
    assert.equal(readState.lct(log, lct)?.overlap?.until, Number.MAX_SAFE_INTEGER)
  })

  it('happens at home', () => {
    const { log, peers, lct } = start()
    const peer = peers[0] as TestSociety
    peer.append({ kind: 'introduce', body: log.introduction(lct) })
    assert.equal(peer.refusal(rotation(lct)), 'LCT_FOREIGN')
  })
})
