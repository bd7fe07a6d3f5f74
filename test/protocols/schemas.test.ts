import assert from 'node:assert/strict'
import { COSIGNATURE_LINE_MAX } from '../../protocols/cosign/constants.ts'
import { decodeRefusal, encodeRefusal } from '../../protocols/json.ts'
import { requestProtocols } from '../../protocols/requests.ts'
import { STATUS_LOGS_MAX } from '../../protocols/status/constants.ts'
import { type JsonObject, utf8Decode, utf8Encode } from '../../src/canonical.ts'
import type { LogStatus, RequestName, Requests, StatusMessage } from '../../src/driver/net.ts'
import { RANGE_ENTRIES_MAX } from '../../src/driver/net.ts'
import { ENTRY_BYTES_MAX, WITNESSES_MAX } from '../../src/limits.ts'
import { NOTE_BYTES_MAX } from '../../src/log/note.ts'
import { hashText, identity } from '../support/identity.ts'
import { societyId } from '../support/net.ts'

const society = societyId('alpha')
const { key } = identity('a witness')
const root = hashText('root')
const sig = `${'A'.repeat(85)}A`
const lct = `lct:web4:human:${society}:${'b'.repeat(26)}`
const note = `web4/${society}\n3\nroot\n\n— web4/${society} AAAA\n`
const log: LogStatus = { society, size: 3, root, final: 2, note }
const message: StatusMessage = {
  clock: 1,
  instance: 'A'.repeat(22),
  logs: [log, { ...log, cosigned: 2, frozen: true }],
  twin: true,
  verdict: { verdict: 'limited', why: 'too fast' },
}

/** Valid examples; a protocol without them does not compile. */
const valid: {
  readonly [Name in RequestName]: { request: Requests[Name]['request']; reply: Requests[Name]['reply'] }
} = {
  status: { request: message, reply: message },
  cosign: { request: { note }, reply: { line: '— web4/witness AAAA' } },
  countersign: {
    request: { record: { body: { deep: [{ er: 1 }] }, kind: 'birth' } },
    reply: { by: key, index: 0, path: [root], sig, size: 2 },
  },
  standing: { request: { lct }, reply: { key, lct, sig, size: 3, society, status: 'active', time: 5 } },
  submit: {
    request: utf8Encode('{"record":{},"sigs":[]}'),
    reply: { by: key, code: 'RECORD_DEAD', id: root, sig, society, time: 5 },
  },
  notice: {
    request: utf8Encode('{"society":"x","v":1}'),
    reply: { accepts: [key], lct, record: root, status: 'not-final-for-us' },
  },
  entries: {
    request: { society, from: 0, limit: 10 },
    reply: { entries: [utf8Encode('{"one":1}'), utf8Encode('{}')], note, proof: [root], root },
  },
}
const names = Object.keys(valid) as RequestName[]

/** JSON members put over valid ones; undefined takes one away. */
type Change = Readonly<Record<string, unknown>>
const logs = (change: Change) => ({ logs: [{ ...log, ...change }] })

const badRequests: { readonly [Name in RequestName]: readonly Change[] } = {
  status: [
    { clock: -1 },
    { clock: undefined },
    { instance: 'A'.repeat(21) },
    { twin: false },
    { extra: 1 },
    { verdict: { verdict: 'fine' } },
    { verdict: { verdict: 'ok', why: '' } },
    { verdict: { verdict: 'ok', why: 'two\nlines' } },
    { logs: Array(STATUS_LOGS_MAX + 1).fill(log) },
    logs({ society: 'alpha' }),
    logs({ root: root.slice(1) }),
    logs({ size: '3' }),
    logs({ frozen: false }),
    logs({ note: undefined }),
    logs({ note: 'x'.repeat(NOTE_BYTES_MAX + 1) }),
    logs({ cosigned: null }),
  ],
  cosign: [{ note: '' }, { note: undefined }, { note: 'x'.repeat(NOTE_BYTES_MAX + 1) }, { size: 1 }],
  countersign: [{ record: undefined }, { record: [] }, { record: 'text' }, { record: null }, { sigs: [] }],
  standing: [{ lct: society }, { lct: `${lct}a` }, { lct: undefined }, { society }],
  // The submission is opened by the one door for records.
  submit: [],
  // As is the bundle, which is judged by the rules of bundles.
  notice: [],
  entries: [{ from: -1 }, { limit: RANGE_ENTRIES_MAX + 1 }, { limit: -1 }, { society: '' }, { to: 5 }],
}
const badReplies: { readonly [Name in Exclude<RequestName, 'entries'>]: readonly Change[] } = {
  status: [{ clock: undefined }, { more: 1 }],
  cosign: [{ line: '' }, { line: 'x'.repeat(COSIGNATURE_LINE_MAX + 1) }, { line: undefined }],
  countersign: [
    { by: 'z6Mk' },
    { sig: sig.slice(1) },
    { size: 1 },
    { path: undefined },
    { path: Array(17).fill(root) },
  ],
  standing: [{ status: 'dead' }, { key: undefined }, { note }],
  submit: [
    { by: undefined },
    { code: 'NEVER_HEARD_OF' },
    { code: 'lower' },
    { id: 'x' },
    { size: -1 },
    { detail: 'x' },
  ],
  notice: [
    { accepts: undefined },
    { accepts: ['z6Mk'] },
    { accepts: Array(WITNESSES_MAX + 1).fill(key) },
    { lct: society },
    { record: 'x' },
    { status: 'pending' },
    { why: 'x' },
  ],
}

/** Plain JSON, as a peer in another language would build it. */
const jsonText = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return `{${members
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`)
    .join(',')}}`
}
const frame = (value: unknown) => utf8Encode(jsonText(value))
const codeOf = (result: { ok: boolean; error?: { code: string } }) => (result.ok ? 'ok' : result.error?.code)

function decodeRequest(name: RequestName, bytes: Uint8Array) {
  return requestProtocols[name].codec.decodeRequest(bytes)
}
function decodeReply(name: RequestName, frames: readonly Uint8Array[]) {
  return requestProtocols[name].codec.decodeReply(frames)
}

function roundTrip<Name extends RequestName>(name: Name) {
  const { codec, limits } = requestProtocols[name]
  const { request, reply } = valid[name]
  const sent = codec.encodeRequest(request)
  assert.ok(sent.length <= limits.requestBytesMax)
  const received = codec.decodeRequest(sent)
  assert.deepEqual(received, { ok: true, value: request })
  const frames = codec.encodeReply(reply)
  assert.deepEqual(codec.decodeReply(frames), { ok: true, value: reply })
  return { sent, frames }
}

for (const name of names) {
  describe(`schema of ${name}`, () => {
    it('decodes what it encodes', () => {
      roundTrip(name)
    })

    if (name !== 'submit') {
      it('takes one spelling only', () => {
        const { sent } = roundTrip(name)
        const spaced = utf8Encode(` ${utf8Decode(sent)}`)
        for (const bytes of [spaced, sent.subarray(1), Uint8Array.of(0xff), new Uint8Array(0), utf8Encode('null')]) {
          assert.equal(codeOf(decodeRequest(name, bytes)), 'PEER_GARBAGE')
        }
      })
    }

    for (const change of badRequests[name]) {
      it(`refuses a request with ${jsonText(change).slice(0, 60)}`, () => {
        const request = valid[name].request as unknown as JsonObject
        assert.equal(codeOf(decodeRequest(name, frame({ ...request, ...change }))), 'PEER_GARBAGE')
      })
    }

    if (name !== 'entries') {
      for (const change of badReplies[name]) {
        it(`refuses a reply with ${jsonText(change).slice(0, 60)}`, () => {
          const reply = { ...(valid[name].reply as unknown as JsonObject), ...change }
          assert.equal(codeOf(decodeReply(name, [frame({ ok: true, reply })])), 'PEER_GARBAGE')
        })
      }
      it('refuses no frame, two frames, and ok that is not true', () => {
        const { frames } = roundTrip(name)
        const [first = new Uint8Array(0)] = frames
        const lie = frame({ ok: false, reply: valid[name].reply })
        for (const bad of [[], [first, first], [lie]]) assert.equal(codeOf(decodeReply(name, bad)), 'PEER_GARBAGE')
      })
    }
  })
}

describe('schema of entries, the answer', () => {
  const head = { count: 1, note, ok: true, proof: [], root }
  const entry = utf8Encode('{}')
  const cases: Readonly<Record<string, readonly Uint8Array[]>> = {
    'no frame': [],
    'a count above the frames': [frame(head)],
    'a count below the frames': [frame(head), entry, entry],
    'an empty entry': [frame(head), new Uint8Array(0)],
    'an entry above the limit of entries': [frame(head), new Uint8Array(ENTRY_BYTES_MAX + 1)],
    'a proof of 65 hashes': [frame({ ...head, proof: Array(65).fill(root) }), entry],
    'no root': [frame({ ...head, root: undefined }), entry],
    'an unknown member': [frame({ ...head, next: 1 }), entry],
  }
  for (const [id, frames] of Object.entries(cases)) {
    it(`refuses ${id}`, () => assert.equal(codeOf(decodeReply('entries', frames)), 'PEER_GARBAGE'))
  }
})

describe('a refusal', () => {
  it('is a code and nothing else', () => {
    assert.equal(utf8Decode(encodeRefusal('FROZEN')), '{"code":"FROZEN"}')
    assert.deepEqual(decodeRefusal(encodeRefusal('FROZEN')), { code: 'FROZEN' })
  })

  it('with a code unknown here is PEER_GARBAGE, and with more than a code is none', () => {
    for (const code of ['NEVER_HEARD_OF', 'CONSTRUCTOR']) {
      assert.equal(decodeRefusal(frame({ code }))?.code, 'PEER_GARBAGE')
    }
    assert.equal(decodeRefusal(frame({ code: 'FROZEN', detail: 'x' })), undefined)
    assert.equal(decodeRefusal(frame({ code: 'constructor' })), undefined)
  })
})

describe('limits of the protocols', () => {
  it('are never below what is valid', () => {
    for (const name of ['submit', 'countersign'] as const) {
      assert.ok(requestProtocols[name].limits.requestBytesMax >= ENTRY_BYTES_MAX)
    }
    const { limits, codec } = requestProtocols.entries
    const largest = codec.encodeReply({
      entries: Array.from({ length: 16 }, () => new Uint8Array(ENTRY_BYTES_MAX)),
      note: '\n'.repeat(NOTE_BYTES_MAX),
      proof: Array(64).fill(root),
      root,
    })
    assert.ok(largest.reduce((sum, part) => sum + part.length, 0) <= limits.replyBytesMax)
  })

  it('leave room for the largest status and the longest cosignature', () => {
    const { limits, codec } = requestProtocols.status
    const full = { ...log, note: 'n'.repeat(3_600), cosigned: Number.MAX_SAFE_INTEGER, frozen: true as const }
    const largest = { ...message, logs: Array<LogStatus>(STATUS_LOGS_MAX).fill(full) }
    assert.ok(codec.encodeRequest(largest).length <= limits.requestBytesMax)
    const cosign = requestProtocols.cosign
    const [line = new Uint8Array(0)] = cosign.codec.encodeReply({ line: 'x'.repeat(COSIGNATURE_LINE_MAX) })
    assert.ok(line.length <= cosign.limits.replyBytesMax)
    assert.ok(
      cosign.codec.encodeRequest({ note: '\n'.repeat(NOTE_BYTES_MAX) }).length <= cosign.limits.requestBytesMax + 16,
    )
  })
})
