import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { openEntry } from '../../src/ingest/open.ts'
import type { OpenedEntry } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { decide } from '../../src/state/decide.ts'
import type { StateView } from '../../src/state/view.ts'
import { federation } from './federation.ts'
import { context, hashText, identity } from './identity.ts'
import type { Draftable, TestSociety } from './society.ts'

export const [ada, bob, fresh, stranger] = ['s0 ada', 's0 bob', 'fresh', 'stranger'].map(identity) as [
  ReturnType<typeof identity>,
  ReturnType<typeof identity>,
  ReturnType<typeof identity>,
  ReturnType<typeof identity>,
]

/** A log with two members and some money; `lct` is Ada's. */
export function start() {
  const [log, ...peers] = federation() as [TestSociety, ...TestSociety[]]
  const three = peers.map(({ witness }) => witness)
  log.append(log.birth('ada', 'human', three))
  log.append(log.birth('bob', 'ai', three))
  const [lct, other] = [log.lctOf(ada, 'human'), log.lctOf(bob, 'ai')]
  log.append({ kind: 'atp.mint', body: { amount: 1_000 } })
  log.append({ kind: 'atp.charge', body: { amount: 500, evidence: hashText('sun'), to: lct } })
  const pay = (amount = 1): Draftable => ({
    kind: 'atp.transfer',
    author: lct,
    signers: [ada],
    body: { amount, from: lct, to: other },
  })
  return { log, lct, other, peers, three, pay }
}

export function openedOf(bytes: Uint8Array): OpenedEntry {
  const opened = openEntry(bytes, sha256)
  assert.ok(opened.ok, opened.ok ? '' : opened.error.code)
  return opened.value
}

export function codeOf(view: StateView, society: string, entry: OpenedEntry): Code | undefined {
  const decided = decide(view, society, entry, context)
  return decided.ok ? undefined : decided.error.code
}
