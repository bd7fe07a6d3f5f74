import assert from 'node:assert/strict'
import { publishedNote } from '../../src/driver/published.ts'
import { formatVerifierKey, verifierKey } from '../../src/log/c2sp/verifier-key.ts'
import { cosignatureLine, cosignatureMessage } from '../../src/log/cosignature.ts'
import { formatNote, TYPE_COSIGNATURE } from '../../src/log/note.ts'
import { type Code, rejection } from '../../src/rejection.ts'
import { fail } from '../../src/result.ts'
import { sha256 } from '../log/fixtures.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { Scene, URL } from '../support/public-scene.ts'
import { LetterWitness, letterKey, letterNote, letterSigned } from '../support/tlog-by-the-letter.ts'

describe('public witnesses of the own log', () => {
  it('sees each final checkpoint, one proof after the other, and is shown with its time', async () => {
    const s = await Scene.begin()
    await s.poke()
    const first = s.size
    assert.deepEqual(s.view, {
      name: 'witness.example/w',
      url: URL,
      size: first,
      time: Math.floor((s.cluster.clock.now() - 900) / 1_000) * 1_000,
    })
    await s.grow()
    await s.poke(10_000)
    assert.deepEqual(
      s.requests.map(({ old }) => old),
      [0, first],
    )
    assert.equal(s.view?.size, s.size)
    const note = publishedNote(s.home.log())
    assert.ok(note)
    const shown = letterNote(formatNote({ ...note, signatures: s.client.linesOf(note) }))
    assert.equal(letterSigned(shown, letterKey(s.witness.vkey)), (s.view?.time ?? 0) / 1_000)
    assert.deepEqual([s.rejected, s.faults], [[], []])
  })

  it('asks one at a time and not more often than every 5 s, whatever happens meanwhile', async () => {
    const s = await Scene.begin()
    await s.poke(0)
    for (let i = 0; i < 3; i++) {
      await s.grow()
      s.client.poke()
      s.client.poke()
    }
    await s.poke(20_000)
    assert.equal(s.underWayMax, 1)
    for (const [i, { at }] of s.requests.entries()) if (i > 0) assert.ok(at - (s.requests[i - 1]?.at ?? 0) >= 5_000)
    assert.equal(s.requests.length, 2)
    assert.equal(s.view?.size, s.size)
  })

  it('proves from the size that a 409 names', async () => {
    const s = await Scene.begin()
    await s.poke()
    const first = s.size
    await s.grow()
    // A node that lost what it knew of the witness.
    await s.home.setup.store.batch([{ type: 'del', key: await publicKey(s) }], { sync: false })
    s.client = s.open()
    await s.poke(10_000)
    assert.deepEqual(
      s.requests.map(({ old }) => old),
      [0, 0, first],
    )
    assert.equal(s.view?.size, s.size)
    assert.deepEqual(s.rejected, [])
  })

  it('keeps what was signed over a restart, and asks nothing while nothing grew', async () => {
    const s = await Scene.begin()
    await s.poke()
    const { view } = s
    s.client.stop()
    s.client = s.open()
    await s.poke(60_000)
    assert.deepEqual(s.view, view)
    assert.equal(s.requests.length, 1)
  })

  it('takes its own line from among those of keys that nobody named', async () => {
    const s = await Scene.begin()
    const other = new LetterWitness('witness.example/other', sha256(new Uint8Array([9])), () => 1)
    s.answer = async body => ({ status: 200, body: other.cosign(textOf(body)) + s.witness.answer(body).body })
    await s.poke()
    assert.deepEqual([s.view?.size, s.view?.problem], [s.size, undefined])
    const note = publishedNote(s.home.log())
    assert.deepEqual(note && s.client.linesOf(note).map(({ name }) => name), ['witness.example/w'])
  })

  it('never moves what is final, even with a key that the law names', async () => {
    const s = await Scene.begin()
    const [, other] = s.cluster.nodes as [ClusterNode, ClusterNode]
    // All witnesses are away; the public one has the key of one of them, and three are as many as the quorum.
    const away = s.cluster.nodes.slice(1)
    for (const node of away) s.cluster.net.detach(node.name)
    const final = s.home.log().notes.final
    await s.cluster.do(s.home.mint())
    await s.cluster.clock.advance(5_000)
    assert.deepEqual([s.home.log().notes.final, s.size], [final, final + 1])
    const { latest } = s.home.log().notes
    assert.ok(latest)
    const seconds = Math.floor(s.cluster.clock.now() / 1_000)
    const lineOf = ({ keys: { witness } }: ClusterNode, name: string) => {
      const key = verifierKey(name, TYPE_COSIGNATURE, witness.raw, sha256)
      return cosignatureLine(key, seconds, witness.signNow(cosignatureMessage(latest.text, seconds)))
    }
    const shown = away.map(node => lineOf(node, `witness.example/${node.name}`))
    const offered = await s.home.log().notes.offer({ ...latest, signatures: [...latest.signatures, ...shown] })
    assert.ok(offered.ok)
    assert.equal(s.home.log().notes.final, final)
    // Nor is it shown what is not final, and its word for the final one changes nothing.
    const vkey = formatVerifierKey(verifierKey('witness.example/w', TYPE_COSIGNATURE, other.keys.witness.raw, sha256))
    s.answer = async body => ({
      status: 200,
      body: formatNote({ text: '', signatures: [lineOfNote(other, body, seconds)] }).slice(1),
    })
    s.client = s.open(vkey)
    await s.poke(60_000)
    assert.equal(s.view?.size, final)
    assert.equal(s.home.log().notes.final, final)
    // The same signatures under the names that count do.
    const counted = away.map(node => lineOf(node, `web4/witness/${node.keys.witness.key}`))
    await s.home.log().notes.offer({ ...latest, signatures: [...latest.signatures, ...counted] })
    assert.equal(s.home.log().notes.final, final + 1)
  })

  const bad: Readonly<Record<string, readonly [answer: Scene['answer'], code: Code]>> = {
    garbage: [async () => ({ status: 200, body: '<html>hello</html>' }), 'COSIGNATURE_INVALID'],
    nothing: [async () => ({ status: 200, body: '' }), 'COSIGNATURE_INVALID'],
    'a line of another key': [
      async body => ({
        status: 200,
        body: new LetterWitness('witness.example/w', sha256(new Uint8Array([8])), () => 1).cosign(textOf(body)),
      }),
      'COSIGNATURE_INVALID',
    ],
    'a redirect': [async () => ({ status: 302, body: '' }), 'PEER_GARBAGE'],
    'another 2xx': [async () => ({ status: 204, body: '' }), 'PEER_GARBAGE'],
    'an unreadable size': [async () => ({ status: 409, body: 'twelve\n' }), 'PEER_GARBAGE'],
    'a size above ours': [async () => ({ status: 409, body: '1000000\n' }), 'CHECKPOINT_AHEAD'],
    'the size that was sent': [async () => ({ status: 409, body: '0\n' }), 'PEER_GARBAGE'],
    'a request that it cannot read': [async () => ({ status: 400, body: '' }), 'TLOG_FORMAT'],
    'another key of the log': [async () => ({ status: 403, body: '' }), 'NOTE_SIGNATURE'],
    'no such log': [async () => ({ status: 404, body: '' }), 'NOT_CONSENTED'],
    'a proof that fails': [async () => ({ status: 422, body: '' }), 'PROOF_INVALID'],
    'too many requests': [async () => ({ status: 429, body: '' }), 'OVERLOADED'],
    'its own fault': [async () => ({ status: 500, body: '' }), 'PEER_UNREACHABLE'],
    silence: [async () => fail(rejection('PEER_SILENT')), 'PEER_SILENT'],
  }
  for (const [name, [answer, code]] of Object.entries(bad))
    it(`${code}: ${name}`, async () => {
      const s = await Scene.begin()
      s.answer = answer
      await s.poke()
      assert.deepEqual(s.view, { name: 'witness.example/w', url: URL, size: 0, time: 0, problem: code })
      assert.deepEqual(s.rejected, [code])
      // Not again before its time, and good again when the witness is.
      await s.poke(5_000)
      assert.equal(s.requests.length, 1)
      s.answer = undefined
      await s.poke(20_000)
      assert.equal(s.view?.size, s.size)
      assert.equal(s.view?.problem, undefined)
    })

  it('COSIGNATURE_INVALID: the cosignature of another checkpoint', async () => {
    const s = await Scene.begin()
    await s.poke()
    const old = publishedNote(s.home.log())
    await s.grow()
    s.answer = async () => ({ status: 200, body: s.witness.cosign(old?.text ?? '') })
    await s.poke(10_000)
    assert.equal(s.view?.problem, 'COSIGNATURE_INVALID')
    assert.equal(s.view?.size, old?.checkpoint.size)
  })

  it('CHECKPOINT_FORK: it holds another root of this size', async () => {
    const s = await Scene.begin()
    const log = s.witness.logs.get(`web4/${s.home.society}`)
    assert.ok(log)
    Object.assign(log, { size: s.size, root: Buffer.alloc(32) })
    s.answer = async body => {
      const answer = s.witness.answer(body)
      return answer.status === 422 ? { status: 409, body: `${s.size}\n` } : answer
    }
    await s.poke(10_000)
    assert.deepEqual(
      s.requests.map(({ old }) => old),
      [0, s.size],
    )
    assert.equal(s.view?.problem, 'CHECKPOINT_FORK')
  })

  it('PEER_GARBAGE: a game of sizes ends, with longer and longer waits', async () => {
    const s = await Scene.begin()
    // Only the client's own time is of interest.
    await s.cluster.stop()
    let n = 0
    s.answer = async () => ({ status: 409, body: `${1 + (n++ % 2)}\n` })
    await s.poke(3_600_000)
    assert.equal(s.view?.problem, 'PEER_GARBAGE')
    // Three a round; rounds wait 10 s, 20 s, … 10 min.
    assert.ok(s.requests.length <= 3 * 13, String(s.requests.length))
    const gaps = s.requests.map(({ at }, i) => at - (s.requests[i - 1]?.at ?? at)).filter(gap => gap > 6_000)
    assert.deepEqual(gaps.slice(0, 7), [10_100, 20_100, 40_100, 80_100, 160_100, 320_100, 600_100])
  })

  it('stops asking when it is stopped', async () => {
    const s = await Scene.begin()
    s.answer = async () => ({ status: 500, body: '' })
    await s.poke()
    assert.equal(s.timers.size, 1)
    s.client.stop()
    assert.equal(s.timers.size, 0)
    await s.cluster.stop()
    await s.poke(3_600_000)
    assert.equal(s.requests.length, 1)
    assert.deepEqual(s.faults, [])
  })
})

function textOf(body: string): string {
  return letterNote(body.slice(body.indexOf('\n\n') + 2)).text
}

function lineOfNote({ keys: { witness } }: ClusterNode, body: string, seconds: number) {
  const key = verifierKey('witness.example/w', TYPE_COSIGNATURE, witness.raw, sha256)
  return cosignatureLine(key, seconds, witness.signNow(cosignatureMessage(textOf(body), seconds)))
}

async function publicKey(s: Scene): Promise<string> {
  for await (const [key] of s.home.setup.store.range({ gte: 'public/', lt: 'public0' })) return key
  throw new Error('nothing kept')
}
