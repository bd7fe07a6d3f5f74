import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import type { Verdict } from '../../src/driver/net.ts'
import { decodeGroup, encodeGroup, GROUP_BYTES_MAX, type Group } from '../../src/ingest/group.ts'
import { addCosignatures, makeCosignatureLine } from '../../src/log/cosignature.ts'
import { formatNote, type Note, parseNote } from '../../src/log/note.ts'
import type { Code } from '../../src/rejection.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster, type Members } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { type Branch, forgeBranch, forgeEntry, signNote } from '../support/forge.ts'
import { identity } from '../support/identity.ts'

interface Scene {
  readonly cluster: Cluster & { readonly members: Members }
  readonly home: ClusterNode
  readonly away: ClusterNode
  /** What s0 would publish next: good, and unknown to s1. */
  readonly next: Branch
  readonly group: Group
}

async function scene(): Promise<Scene> {
  const cluster = await Cluster.resume({ options: { rangeFetch: false } })
  const [home, away] = cluster.nodes as [ClusterNode, ClusterNode]
  const { anna, ben } = cluster.members
  const seq = home.log().replica.tip.size
  const record = home.draft(anna, 'atp.transfer', { amount: 5, from: anna.lct, to: ben.lct })
  const next = await forgeBranch(home, seq, [forgeEntry(record, [anna.identity], seq)])
  const group = decodeGroup(next.frame)
  assert.ok(group.ok)
  return { cluster, home, away, next, group: group.value }
}

const edit = (entry: Uint8Array, change: (text: string) => string) => Buffer.from(change(Buffer.from(entry).toString()))
const entries = (change: (text: string) => string) => (s: Scene) =>
  encodeGroup({ ...s.group, entries: s.group.entries.map(entry => edit(entry, change)) })
const head = (change: (s: Scene) => Partial<Group>) => (s: Scene) => encodeGroup({ ...s.group, ...change(s) })
const badByte = (text: string, after: string) => {
  const at = text.lastIndexOf(after) + after.length + 4
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
}
const note = (text: string): Note => {
  const parsed = parseNote(text)
  assert.ok(parsed.ok)
  return parsed.value
}
const held = ({ home }: Scene): Note => signNote(home, home.log().replica.tip.size, home.log().replica.tip.root)

describe('verdicts on gossiped groups', () => {
  const rejected: readonly [what: string, code: Code, frame: (scene: Scene) => Uint8Array][] = [
    ['noise', 'FORMAT_SCHEMA', () => new Uint8Array(300).fill(7)],
    ['nothing', 'FORMAT_SCHEMA', () => new Uint8Array(0)],
    ['a frame cut off', 'FORMAT_SCHEMA', ({ next }) => next.frame.slice(0, -5)],
    ['a frame above the limit', 'FORMAT_TOO_LARGE', () => new Uint8Array(GROUP_BYTES_MAX + 1)],
    ['a head that is no JSON', 'FORMAT_JSON', () => Buffer.from([0, 0, 0, 2, 0x7b, 0x7b])],
    ['a head that is not canonical', 'FORMAT_NOT_CANONICAL', ({ next }) => withHead(next.frame, text => ` ${text}`)],
    [
      'a head with a member too many',
      'FORMAT_SCHEMA',
      ({ next }) => withHead(next.frame, text => text.replace('{', '{"a":1,')),
    ],
    [
      'a count that is not the number of entries',
      'FORMAT_SCHEMA',
      ({ next }) => withHead(next.frame, text => text.replace('"count":1', '"count":2')),
    ],
    ['a checkpoint that is no note', 'NOTE_FORMAT', head(() => ({ checkpoint: 'web4' }))],
    [
      'a checkpoint of another log',
      'NOTE_ORIGIN',
      head(({ away }) => ({ checkpoint: formatNote(signNote(away, 2, new Uint8Array(32))) })),
    ],
    [
      'a checkpoint with a forged signature',
      'NOTE_SIGNATURE',
      head(({ group }) => ({ checkpoint: forgedLine(group.checkpoint) })),
    ],
    ['a checkpoint that ends elsewhere', 'FORMAT_SCHEMA', head(({ group }) => ({ first: group.first + 1 }))],
    ['an entry that is not JSON', 'FORMAT_JSON', entries(text => text.slice(0, -1))],
    [
      'an entry that is not canonical',
      'FORMAT_NOT_CANONICAL',
      entries(text => text.replace('{"record"', '{ "record"')),
    ],
    ['a float', 'FORMAT_FLOAT', entries(text => text.replace('"amount":5', '"amount":5.5'))],
    ['an amount below 1', 'AMOUNT_NOT_POSITIVE', entries(text => text.replace('"amount":5', '"amount":-1'))],
    [
      'a member that nobody knows',
      'FORMAT_UNKNOWN_FIELD',
      entries(text => text.replace('"amount":5', '"amount":5,"bonus":1')),
    ],
    [
      'an entry with another place',
      'FORMAT_SCHEMA',
      entries(text => text.replace(/"seq":(\d+)/, (_, seq) => `"seq":${+seq + 1}`)),
    ],
    ['a forged record signature', 'SIGNATURE_INVALID', entries(text => badByte(text, '"sig":"'))],
    ['a changed record', 'SIGNATURE_INVALID', entries(text => text.replace('"amount":5', '"amount":6'))],
    [
      'a forged cosignature beside it',
      'COSIGNATURE_INVALID',
      head(scene => ({ notes: [formatNote(forgedCosignature(scene))] })),
    ],
    ['a note beside it that is none', 'NOTE_FORMAT', head(() => ({ notes: ['x'] }))],
  ]
  for (const [what, code, frame] of rejected) it(`reject ${what}: ${code}`, () => judge(frame, 'reject', code))

  const ignored: readonly [what: string, code: Code | undefined, frame: (scene: Scene) => Uint8Array][] = [
    [
      'a checkpoint by a key that is not in force',
      'NOTE_SIGNATURE',
      head(({ home, next }) => ({
        checkpoint: formatNote(
          signNote(home, next.note.checkpoint.size, next.note.checkpoint.root, identity('an old key')),
        ),
      })),
    ],
    [
      'a kind that this software does not know',
      'UNKNOWN_KIND',
      entries(text => text.replace('"kind":"atp.transfer"', '"kind":"atp.teleport"')),
    ],
    ['a version that this software does not know', 'UNKNOWN_KIND', entries(text => text.replace('"v":1}', '"v":2}'))],
  ]
  for (const [what, code, frame] of ignored) it(`ignore ${what}`, () => judge(frame, 'ignore', code))

  it('accept the next group', () => judge(({ next }) => next.frame, 'accept', undefined))

  it('accept a void entry, whose bytes and signatures are good, and stop before it', async () => {
    const s = await scene()
    const seq = s.home.log().replica.tip.size
    const { anna, ben } = s.cluster.members
    const record = s.home.draft(anna, 'atp.transfer', { amount: 9_000_000, from: anna.lct, to: ben.lct })
    const { frame } = await forgeBranch(s.home, seq, [forgeEntry(record, [anna.identity], seq)])
    assert.equal(await s.cluster.clock.run(s.away.federation.group(s.home.society, frame, 's2')), 'accept')
    await s.cluster.clock.advance(0)
    assert.equal(s.away.log(s.home.society).replica.tip.size, seq)
    const again = s.away.federation.group(s.home.society, s.next.frame, 's2')
    assert.equal(await s.cluster.clock.run(again), 'ignore', 'nothing more of it is wanted')
  })

  it('ignore groups of a log that is not followed, or whose charter is not here', async () => {
    const { cluster, home, next } = await scene()
    const observer = await cluster.add({ name: 'observer', store: createMemoryStore() })
    const offer = () => cluster.clock.run(observer.federation.group(home.society, next.frame, 's2'))
    assert.equal(await offer(), 'ignore')
    await cluster.clock.run(observer.federation.follow(home.society))
    assert.equal(await offer(), 'ignore')
    assert.deepEqual([...observer.codes], ['NOT_FOUND'])
  })

  it('accept a checkpoint that is known already', () =>
    judge(
      s => encodeGroup({ first: held(s).checkpoint.size, entries: [], checkpoint: formatNote(held(s)), notes: [] }),
      'accept',
      undefined,
    ))
})

/** s1's verdict, its only code, and no trace of what was not accepted; what comes after is still taken. */
async function judge(frame: (scene: Scene) => Uint8Array, verdict: Verdict, code: Code | undefined): Promise<void> {
  const s = await scene()
  const before = await s.away.holdings()
  s.away.rejected.length = 0
  assert.equal(await s.cluster.clock.run(s.away.federation.group(s.home.society, frame(s), 's2')), verdict)
  assert.deepEqual(
    s.away.rejected.map(error => error.code),
    code === undefined ? [] : [code],
  )
  if (
    verdict !== 'accept' &&
    code !== 'COSIGNATURE_INVALID' &&
    s.away.log(s.home.society).replica.tip.size === s.next.first
  )
    assert.deepEqual(await s.away.holdings(), before)
  await s.cluster.clock.run(s.away.federation.group(s.home.society, s.next.frame, 's2'))
  await s.cluster.clock.advance(0)
  assert.deepEqual(s.away.log(s.home.society).replica.tip.root, s.next.note.checkpoint.root)
}

function withHead(frame: Uint8Array, change: (text: string) => string): Uint8Array {
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(0)
  const changed = Buffer.from(change(Buffer.from(frame.subarray(4, 4 + length)).toString()))
  const size = Buffer.alloc(4)
  size.writeUInt32BE(changed.length)
  return Buffer.concat([size, changed, frame.subarray(4 + length)])
}

/** The note with one bit of its log signature flipped. */
function forgedLine(text: string): string {
  const { signatures, ...rest } = note(text)
  const forged = signatures.map(line => {
    const signature = line.signature.slice()
    signature[10] = (signature[10] ?? 0) ^ 1
    return { ...line, signature }
  })
  return formatNote({ ...rest, signatures: forged })
}

/** A checkpoint that s1 holds, with a line of witness s2 that s2 never made. */
function forgedCosignature(s: Scene): Note {
  const witness = (s.cluster.nodes[2] as ClusterNode).keys.witness
  const line = makeCosignatureLine(witness.key, 1, identity('a liar').signNow(Buffer.from('x')), sha256)
  return addCosignatures(held(s), [line])
}
