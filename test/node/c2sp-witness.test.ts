import assert from 'node:assert/strict'
import { createApiServer } from '../../node/api/server.ts'
import { c2spRoutes } from '../../node/c2sp/routes.ts'
import { nullLogger } from '../../node/observe/logger.ts'
import { canonicalBytes } from '../../src/canonical.ts'
import { CheckpointWitness } from '../../src/driver/checkpoint-witness.ts'
import { toBase64url } from '../../src/encoding.ts'
import { formatVerifierKey, parseVerifierKey, verifierKey } from '../../src/log/c2sp/verifier-key.ts'
import { checkpointText, formatNote, makeLogNote, TYPE_ED25519 } from '../../src/log/note.ts'
import type { Store } from '../../src/ports.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { sha256, unhex } from '../log/fixtures.ts'
import { context, identity } from '../support/identity.ts'
import { manualClock } from '../support/manual-clock.ts'
import { letterKey, letterNote, letterSigned } from '../support/tlog-by-the-letter.ts'
import { loadVectors, type Vector } from '../support/vector-files.ts'
import { fakeService } from './support/fake-service.ts'

interface Step {
  readonly request: string
  readonly status: number
  readonly body?: string
  readonly comment?: string
}
interface SessionVector extends Vector {
  readonly origin: string
  readonly vkeys: readonly string[]
  readonly steps: readonly Step[]
}
interface ZeroVector extends Vector {
  readonly known: number
  readonly old: number
  readonly size: number
  readonly root: string
  readonly proof: readonly string[]
  readonly status: number
}

const TEXT = 'text/plain; charset=utf-8'
const ORIGIN = 'log.example/one'
const logKey = identity('a log elsewhere')
const signer = identity('a public witness')
const clock = manualClock()
const vectors = loadVectors<Vector>('c2sp/witness-sessions.json')
const tagged = <T extends Vector>(tag: string) => vectors.filter(({ tags }) => tags.includes(tag)) as unknown as T[]

function witnessFor(origin: string, vkeys: readonly string[], store: Store): CheckpointWitness {
  const keys = vkeys.map(vkey => parseVerifierKey(vkey, sha256)).filter(key => key !== undefined)
  return new CheckpointWitness(
    { logs: [{ origin, keys }], name: 'witness.example/w1' },
    { store, signer, clock, context },
  )
}

const ownVkey = formatVerifierKey(verifierKey(ORIGIN, TYPE_ED25519, logKey.raw, sha256))

/** A request for a checkpoint of the log whose key is ours. */
function requestOf(old: number, proof: readonly string[], size: number, root: Uint8Array, origin = ORIGIN): string {
  const checkpoint = { origin, root, size }
  const signature = logKey.signNow(Buffer.from(checkpointText(checkpoint)))
  const note = formatNote(makeLogNote(checkpoint, logKey.raw, signature, sha256))
  const lines = proof.map(hash => `${Buffer.from(hash, 'hex').toString('base64')}\n`)
  return `old ${old}\n${lines.join('')}\n${note}`
}

async function known(store: Store, origin: string, size: number, root: Uint8Array): Promise<void> {
  const value = canonicalBytes({ origin, root: toBase64url(root), size })
  const key = storeKey.watched(toBase64url(sha256(Buffer.from(origin))))
  await store.batch([{ type: 'put', key, value }], { sync: false })
}

describe('C2SP witness for other logs, over HTTP', () => {
  let stop: () => Promise<void>
  let url: string
  let store: Store

  async function serve(origin = ORIGIN, vkeys: readonly string[] = [ownVkey], on = createMemoryStore()): Promise<void> {
    await stop?.()
    store = on
    const nothing = { checkpoint: () => undefined, vkey: () => undefined, tile: async () => undefined }
    const others = c2spRoutes({ logger: nullLogger, logs: nothing, witness: witnessFor(origin, vkeys, store) })
    const server = createApiServer(
      { host: '127.0.0.1', port: 0 },
      { service: fakeService(), token: 'token', logger: nullLogger, version: '0.1.0', others },
    )
    stop = () => server.stop()
    url = `${(await server.start()).url}/tlog-witness`
  }

  const post = (body: BodyInit, headers: Record<string, string> = {}) =>
    fetch(`${url}/add-checkpoint`, { method: 'POST', body, headers })

  /** Status, type and body, and the cosignature checked by the letter where there is one. */
  async function step({ body, request, status }: Step): Promise<void> {
    const response = await post(request)
    const text = await response.text()
    assert.equal(response.status, status, text)
    if (body !== undefined) assert.equal(text, body)
    assert.equal(response.headers.get('content-type'), status === 409 ? 'text/x.tlog.size' : TEXT)
    const checkpoint = request.slice(request.indexOf('\n\n') + 2)
    if (status !== 200) {
      assert.ok(!text.includes('—'), 'no signature beside a refusal')
      return
    }
    const vkey = await (await fetch(`${url}/vkey`)).text()
    const note = letterNote(`${letterNote(checkpoint).text}\n${text}`)
    assert.equal(letterSigned(note, letterKey(vkey)), Math.floor(clock.now() / 1_000))
    assert.deepEqual(
      note.lines.map(({ name }) => name),
      ['witness.example/w1'],
    )
  }

  beforeEach(() => serve())
  afterEach(() => stop())

  for (const tag of ['valid', 'invalid'])
    for (const session of tagged<SessionVector>(tag))
      it(`answers the published session ${session.id} as it says`, async () => {
        await serve(session.origin, session.vkeys)
        for (const each of session.steps) await step(each)
      })

  for (const vector of tagged<ZeroVector>('unsigned'))
    it(`${vector.id}: ${vector.status}`, async () => {
      const leaf = sha256(Buffer.from('\0leaf'))
      if (vector.known > 0) await known(store, ORIGIN, vector.known, leaf)
      const request = requestOf(vector.old, vector.proof, vector.size, unhex(vector.root))
      await step({ request, status: vector.status })
    })

  it('never rolls back when two requests prove from one size', async () => {
    const [race] = tagged<SessionVector>('race')
    assert.ok(race)
    const memory = createMemoryStore()
    let hold: Promise<void> | undefined
    let release = () => {}
    // The first write waits until the second request is through.
    const slow: Store = {
      ...memory,
      batch: async (ops, options) => {
        const waited = hold
        hold = undefined
        await waited
        return memory.batch(ops, options)
      },
    }
    await serve(race.origin, race.vkeys, slow)
    const [first, held, fast] = race.steps as [Step, Step, Step]
    await step(first)
    hold = new Promise(resolve => {
      release = resolve
    })
    const waiting = step(held)
    while (hold !== undefined) await new Promise(resolve => setImmediate(resolve))
    await step(fast)
    release()
    await waiting
  })

  it('409 with the size for another root of the same size', async () => {
    await step({ request: requestOf(0, [], 2, sha256(Buffer.from('a'))), status: 200 })
    await step({ request: requestOf(2, [], 2, sha256(Buffer.from('b'))), status: 409, body: '2\n' })
    // And the same again is signed again: its time is new.
    clock.advance(60_000)
    await step({ request: requestOf(2, [], 2, sha256(Buffer.from('a'))), status: 200 })
  })

  it('remembers over a restart, whatever the key', async () => {
    await step({ request: requestOf(0, [], 2, sha256(Buffer.from('a'))), status: 200 })
    await serve(ORIGIN, [ownVkey], store)
    await step({ request: requestOf(0, [], 5, sha256(Buffer.from('b'))), status: 409, body: '2\n' })
  })

  it('is durable before it signs', async () => {
    const order: string[] = []
    const memory = createMemoryStore()
    const noting: Store = {
      ...memory,
      batch: async (ops, options) => {
        const done = await memory.batch(ops, options)
        order.push(`written, sync ${options.sync}`)
        return done
      },
    }
    const noted = {
      key: signer.key,
      sign: (message: Uint8Array) => {
        order.push('signed')
        return signer.sign(message)
      },
    }
    const keys = [verifierKey(ORIGIN, TYPE_ED25519, logKey.raw, sha256)]
    const witness = new CheckpointWitness(
      { logs: [{ origin: ORIGIN, keys }], name: 'w' },
      { store: noting, signer: noted, clock, context },
    )
    assert.ok((await witness.addCheckpoint(requestOf(0, [], 1, sha256(Buffer.from('a'))))).ok)
    assert.deepEqual(order, ['written, sync true', 'signed'])
  })

  it('takes extension lines, other signatures and any content type', async () => {
    const text = `${ORIGIN}\n3\n${Buffer.from(sha256(Buffer.from('x'))).toString('base64')}\nan extension\n`
    const note = makeLogNote(
      { origin: ORIGIN, root: new Uint8Array(32), size: 3 },
      logKey.raw,
      logKey.signNow(Buffer.from(text)),
      sha256,
    )
    const big = `— other.example/ml-dsa ${Buffer.alloc(2_500, 7).toString('base64')}\n`
    const request = `old 0\n\n${formatNote({ text, signatures: note.signatures })}${big.repeat(16)}`
    for (const type of ['application/json', 'application/octet-stream', 'text/plain', 'x/y; charset=z'])
      assert.equal(
        (
          await post(request.replace('old 0', type === 'application/json' ? 'old 0' : 'old 3'), {
            'content-type': type,
          })
        ).status,
        200,
        type,
      )
  })

  it('403 when a line of the trusted key fails, though another one holds', async () => {
    const request = requestOf(0, [], 1, sha256(Buffer.from('a')))
    const [line = ''] = request.split('\n').slice(-2)
    const cut = line.lastIndexOf(' ') + 9
    const spoiled = `${line.slice(0, cut)}${line[cut] === 'A' ? 'B' : 'A'}${line.slice(cut + 1)}\n`
    await step({ request: request + spoiled, status: 403 })
    await step({ request, status: 200 })
  })

  it('400 for what is no request, 413 for too much of it', async () => {
    const good = requestOf(0, [], 1, sha256(Buffer.from('a')))
    for (const request of [
      '',
      'old 0',
      good.replace('old 0', 'old 00'),
      good.replace('old 0', 'old -1'),
      good.replace('old 0', 'new 0'),
      good.replace('old 0', 'old 9007199254740993'),
      good.replace('old 0\n', 'old 0\nAAAA\n'),
      good.replace('\n1\n', '\n01\n'),
      good.slice(0, -1),
      good.replaceAll('\n', '\r\n'),
    ])
      await step({ request, status: 400 })
    assert.equal((await post(new Uint8Array([0x6f, 0xff, 0xfe]))).status, 400)
    const large = await post(`${good}${'x'.repeat(200_000)}`)
    assert.deepEqual([large.status, large.headers.get('content-type')], [413, TEXT])
    await step({ request: good, status: 200 })
  })

  it('429 when too many wait at once', async () => {
    const memory = createMemoryStore()
    let release = () => {}
    const gate = new Promise<void>(resolve => {
      release = resolve
    })
    const stalled: Store = {
      ...memory,
      getMany: async keys => {
        await gate
        return memory.getMany(keys)
      },
    }
    const witness = witnessFor(ORIGIN, [ownVkey], stalled)
    const request = requestOf(0, [], 1, sha256(Buffer.from('a')))
    const waiting = Array.from({ length: 32 }, () => witness.addCheckpoint(request))
    const refused = await witness.addCheckpoint(request)
    assert.equal(refused.ok ? undefined : refused.error.code, 'OVERLOADED')
    release()
    const signed = (await Promise.all(waiting)).filter(answer => answer.ok && answer.value.type === 'cosigned')
    assert.equal(signed.length, 1)
    assert.ok((await witness.addCheckpoint(request.replace('old 0', 'old 1'))).ok)
  })

  it('is nowhere when it is off, and described when it is on', async () => {
    const paths = async () =>
      Object.keys(((await (await fetch(new URL('/openapi.json', url))).json()) as { paths: object }).paths)
    assert.ok((await paths()).includes('/tlog-witness/add-checkpoint'))
    await stop()
    const others = c2spRoutes({
      logger: nullLogger,
      logs: { checkpoint: () => undefined, vkey: () => undefined, tile: async () => undefined },
    })
    const server = createApiServer(
      { host: '127.0.0.1', port: 0 },
      { service: fakeService(), token: 'token', logger: nullLogger, version: '0.1.0', others },
    )
    stop = () => server.stop()
    url = `${(await server.start()).url}/tlog-witness`
    assert.equal((await post(requestOf(0, [], 1, sha256(Buffer.from('a'))))).status, 404)
    assert.ok(!(await paths()).includes('/tlog-witness/add-checkpoint'))
  })
})
