import assert from 'node:assert/strict'
import { join } from 'node:path'
import { signRecord, submissionOf } from '../../node/api/sign.ts'
import { sha256 } from '../../node/crypto/sodium.ts'
import { openKeyFile } from '../../node/keys/keystore.ts'
import { requestProtocols } from '../../protocols/requests.ts'
import { Prng } from '../../sim/prng.ts'
import { until as untilAsync } from '../../sim/real/until.ts'
import { utf8Encode } from '../../src/canonical.ts'
import type { RequestName } from '../../src/driver/net.ts'
import { encodeGroup } from '../../src/ingest/group.ts'
import { checkpointText, formatNote, logSignatureMessage, makeLogNote, originOf } from '../../src/log/note.ts'
import { type Code, codes } from '../../src/rejection.ts'
import {
  type BadRecord,
  type BirthSetting,
  badBirths,
  badPayments,
  type Payment,
  payment,
  signedBirth,
} from '../support/bad-records.ts'
import { identity } from '../support/identity.ts'
import { startNode, type Target, type TestNode, testNode } from '../support/net.ts'
import { framed, type RawPeer, rawPeer } from '../support/raw-peer.ts'
import { idOf } from '../support/real-load.ts'
import { never, RealNodes, type RealSociety } from '../support/real-nodes.ts'

const LIMIT_MS = 60_000
const names = Object.keys(requestProtocols) as RequestName[]

describe('one real node among bad peers and bad records', function () {
  this.timeout(180_000)
  let real: RealNodes
  let home: RealSociety
  let given: Payment
  let target: Target

  before(async () => {
    real = await RealNodes.start(3, ['--federation', 'test'])
    await real.found(2, new Prng(23))
    home = real.societies[0] as RealSociety
    const [payer, payee] = real.members.filter(({ society }) => society.id === home.id)
    assert.ok(payer !== undefined && payee !== undefined)
    const neighbour = real.societies[1]?.id ?? ''
    given = { payer, payee: payee.lct, society: home.id, neighbour, used: 1 }
    const status = await home.node.client.status()
    target = { name: home.slug, net: { self: status.peer_id, addresses: () => [...status.addresses] } }
    assert.equal((await pay({ lane: 0, n: 1 })).status, 200)
    await real.final()
  })
  after(() => real?.stop())

  function post(body: Uint8Array): Promise<Response> {
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: body as Uint8Array<ArrayBuffer>,
    }
    return fetch(`${home.node.url}/v1/records`, init)
  }

  async function pay(changes: object = {}): Promise<Response> {
    return post(submissionOf(await signRecord(payment(given, changes), given.payer.signer)))
  }

  /** Size, root and state digest of every log that the node holds. */
  async function holdings(): Promise<unknown[]> {
    return Promise.all(real.societies.map(({ id }) => home.node.client.state({ society: id })))
  }

  /** Whatever happens in `work`, the node's logs and states are the same after it, and the node goes on. */
  async function withoutTrace(work: () => Promise<void>): Promise<void> {
    const before = await holdings()
    await work()
    assert.deepEqual(await holdings(), before)
    assert.deepEqual(await home.node.client.readyz(), { ready: true, reasons: [] })
  }

  async function refused(code: Code): Promise<number> {
    return (await home.node.client.status()).rejected[code] ?? 0
  }

  /** The node counts one more refusal with this code, or several. */
  async function counts(code: Code, work: () => Promise<unknown>): Promise<void> {
    const before = await refused(code)
    await work()
    await untilAsync(`${code} is counted`, never, async () => (await refused(code)) > before, LIMIT_MS)
  }

  async function assertRefused({ code, make }: BadRecord): Promise<void> {
    const response = await post(await make())
    const problem = (await response.json()) as { code: string; status: number; type: string; w4: string }
    assert.equal(problem.code, code)
    assert.equal(response.headers.get('content-type')?.split(';')[0], 'application/problem+json')
    assert.deepEqual(
      [response.status, problem.status, problem.w4],
      [codes[code].http, codes[code].http, codes[code].w4],
    )
  }

  describe('records by POST /v1/records', () => {
    it('a payment that is bad in any one way gets its own code and leaves no trace', () =>
      withoutTrace(async () => {
        for (const bad of badPayments(given))
          await assertRefused(bad).catch(cause => assert.fail(`${bad.name}: ${(cause as Error).message}`))
      }))

    it('no bad copy blocks the original; the original twice is the same success', async () => {
      const record = payment(given)
      const { sigs } = await signRecord(record, given.payer.signer)
      const forged = await signRecord(record, identity('a stranger'))
      const [sig] = forged.sigs
      assert.ok(sig !== undefined)
      await withoutTrace(async () => {
        const response = await post(submissionOf({ record, sigs: [{ ...sig, by: given.payer.signer.key }] }))
        assert.equal(((await response.json()) as { code: string }).code, 'SIGNATURE_INVALID')
      })
      const first = await post(submissionOf({ record, sigs }))
      const view = (await first.json()) as { id: string; seq: number }
      assert.deepEqual([first.status, view.id], [200, idOf(record)])
      await real.final()
      await withoutTrace(async () => {
        const again = await post(submissionOf({ record, sigs }))
        assert.deepEqual([again.status, ((await again.json()) as { seq: number }).seq], [200, view.seq])
      })
    })

    it('a birth that is bad in any one way gets its own code and leaves no trace; the good one is taken', async () => {
      const key = (index: number, name: string) =>
        openKeyFile(join(real.folder(index), 'keys', `${name}.key`), real.passphrase)
      const setting: BirthSetting = {
        society: home.id,
        law: (await home.node.client.society({ id: home.id })).law_number,
        societySigner: await key(0, 'society'),
        witnesses: [await key(0, 'witness'), await key(1, 'witness'), await key(2, 'witness')],
      }
      await withoutTrace(async () => {
        for (const bad of badBirths(setting))
          await assertRefused(bad).catch(cause => assert.fail(`${bad.name}: ${(cause as Error).message}`))
      })
      const signers = [setting.societySigner, identity('child'), ...setting.witnesses]
      assert.equal((await post(await signedBirth(setting, 'child', signers))).status, 200)
      await real.final()
    })
  })

  describe('peers that ask', () => {
    let peer: RawPeer
    before(async () => {
      peer = await rawPeer('nuisance', target)
      const known = async () => (await home.node.client.status()).peers.some(each => each.peer === peer.self)
      await untilAsync('the node knows the peer', never, known, LIMIT_MS)
    })
    after(() => peer?.stop())

    for (const name of names) {
      const { protocol, requestBytesMax } = requestProtocols[name].limits
      it(`garbage and too much on ${protocol}`, () =>
        withoutTrace(async () => {
          const garbage = name === 'submit' ? 'FORMAT_JSON' : 'PEER_GARBAGE'
          const large = framed(new Uint8Array(requestBytesMax + 1)).subarray(0, 5)
          assert.deepEqual(await peer.say(target, protocol, framed('{"a":1,')), [`{"code":"${garbage}"}`])
          assert.deepEqual(await peer.say(target, protocol, Uint8Array.of(9, 1, 2)), ['{"code":"PEER_GARBAGE"}'])
          assert.deepEqual(await peer.say(target, protocol, large, { open: true }), ['{"code":"PEER_TOO_MUCH"}'])
          assert.deepEqual(await peer.say(target, protocol, new Uint8Array(0)), ['{"code":"PEER_GARBAGE"}'])
        }))
    }

    it('nothing, on any of them', () =>
      withoutTrace(async () => {
        const nothing = new Uint8Array(0)
        const silence = names.map(name => requestProtocols[name].limits.protocol)
        const answers = await Promise.all(silence.map(protocol => peer.say(target, protocol, nothing, { open: true })))
        assert.deepEqual(
          answers,
          silence.map(() => ['{"code":"PEER_SILENT"}']),
        )
      }))
  })

  describe('peers that answer', () => {
    let peer: RawPeer
    before(async () => {
      peer = await rawPeer('liar', target)
    })
    after(() => peer?.stop())

    const answers = {
      garbage: ['PEER_GARBAGE', framed('nonsense')],
      'too much': ['PEER_TOO_MUCH', framed(new Uint8Array(2 * 1024 * 1024)).subarray(0, 5)],
    } as const
    for (const [what, [code, bytes]] of Object.entries(answers)) {
      it(`with ${what} when they are asked how far they are`, () =>
        withoutTrace(async () => {
          const answer = async (stream: Parameters<Parameters<RawPeer['host']['handle']>[1]>[0]) => {
            stream.send(bytes)
            await stream.close()
          }
          await counts(code, () => peer.host.handle('/web4/status/1', answer, 4))
          await peer.host.unhandle('/web4/status/1')
        }))
    }

    it('with nothing', () =>
      withoutTrace(async () => {
        await counts('PEER_SILENT', () => peer.host.handle('/web4/status/1', async () => {}, 4))
        await peer.host.unhandle('/web4/status/1')
      }))
  })

  describe('peers that gossip', () => {
    const peers: TestNode[] = []
    afterEach(async () => {
      await Promise.all(peers.splice(0).map(({ net }) => net.stop()))
    })

    /** Each bad message comes from a peer of its own: after two of them nobody would listen any more. */
    async function gossiper(name: string): Promise<TestNode> {
      const peer = await testNode(name)
      peers.push(peer)
      peer.net.join(home.id)
      await startNode(peer)
      assert.ok((await peer.net.connect(target.net.addresses()[0] ?? '')).ok)
      await untilAsync('its mesh', never, async () => peer.net.mesh(home.id).includes(target.net.self), LIMIT_MS)
      return peer
    }

    /** What a group of this log would be, under a note that its key never signed. */
    async function forgedGroup(): Promise<Uint8Array> {
      const { size } = await home.node.client.society({ id: home.id })
      const stranger = identity('a stranger')
      const checkpoint = { origin: originOf(home.id), root: sha256(utf8Encode('root')), size: size + 2 }
      const signature = stranger.signNow(logSignatureMessage(checkpointText(checkpoint)))
      const note = makeLogNote(checkpoint, stranger.raw, signature, sha256)
      // Behind a gap: entries that come next might bring the key that signed.
      return encodeGroup({ first: size + 1, entries: [utf8Encode('{}')], checkpoint: formatNote(note), notes: [] })
    }

    it('garbage for a group', () =>
      withoutTrace(async () => {
        const peer = await gossiper('garbage')
        await counts('FORMAT_SCHEMA', () => peer.net.publishGroup(home.id, utf8Encode('no group at all')))
      }))

    it('a group under a note that the log did not sign', () =>
      withoutTrace(async () => {
        const peer = await gossiper('forger')
        const frame = await forgedGroup()
        await counts('NOTE_SIGNATURE', () => peer.net.publishGroup(home.id, frame))
      }))

    it('garbage for a fork proof', () =>
      withoutTrace(async () => {
        const peer = await gossiper('prover')
        await counts('FORMAT_JSON', () => peer.net.publishProof(utf8Encode('it has forked, believe me')))
      }))

    it('frames that are none, too large, or never come', () =>
      withoutTrace(async () => {
        for (const [index, bytes] of [
          framed('nonsense'),
          Uint8Array.of(0xff, 0xff, 0xff, 0x7f, 1),
          new Uint8Array(0),
        ].entries()) {
          const peer = await rawPeer(`mesh ${index}`, target)
          const stream = await peer.stream(target, '/meshsub/1.2.0')
          if (bytes.length > 0) stream.send(bytes)
          // Whatever became of that stream, the node still answers on others.
          const [answer] = await peer.say(target, '/web4/status/1', framed('{"a":1,'))
          assert.match(answer ?? '', /^\{"code":"(?:PEER_GARBAGE|NODE_STATEMENT)"\}$/)
          stream.abort(new Error('done'))
          await peer.stop()
        }
      }))
  })

  describe('after all that', () => {
    it('the node sequences what is good, and others make it final', async () => {
      assert.equal((await pay({ n: 100 })).status, 200)
      await real.final()
    })
  })
})
