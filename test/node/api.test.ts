import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from 'typebox/value'
import { createClient } from '../../node/api/client.ts'
import type { HandlerId } from '../../node/api/handlers.ts'
import { PROBLEM_TYPE, type Problem } from '../../node/api/problem.ts'
import { type InputOf, routeIds, routeOf, urlOf } from '../../node/api/routes.ts'
import { problemSchema } from '../../node/api/schemas.ts'
import { type ApiServer, createApiServer } from '../../node/api/server.ts'
import { parseEvents } from '../../node/api/sse.ts'
import { bears, operatorToken, readOperatorToken } from '../../node/api/token.ts'
import { nullLogger } from '../../node/observe/logger.ts'
import type { NodeService, RecordView } from '../../node/service.ts'
import { type Code, CodedError, codes, rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'
import {
  ENTRIES,
  type FakeService,
  fakeService,
  HASH,
  KEY,
  LCT,
  NOTE,
  OTHER,
  SOCIETY,
  SUBMISSION,
} from './support/fake-service.ts'

const TOKEN = 'correct-horse-battery-staple'

/** A call of every route; a new route without one does not compile. */
const examples: { readonly [Id in HandlerId]: InputOf<Id> } = {
  status: {},
  societies: {},
  society: { id: SOCIETY },
  law: { id: SOCIETY },
  economy: { id: SOCIETY },
  entries: { society: SOCIETY, from: 0, limit: 2 },
  checkpoint: { society: SOCIETY },
  state: { society: SOCIETY },
  snapshots: { society: SOCIETY },
  lane: { society: SOCIETY, author: LCT, lane: 3 },
  record: { id: HASH },
  proof: { id: HASH },
  tlogProof: { id: HASH },
  lct: { id: LCT },
  certificate: { id: LCT },
  accounts: { lct: LCT, society: SOCIETY },
  holdings: { society: SOCIETY, after: OTHER, limit: 7 },
  projection: { lct: LCT, days: 1, society: SOCIETY },
  payments: { to: OTHER, from: LCT, society: SOCIETY, before: 9, limit: 7 },
  attestations: { subject: OTHER, type: 'existence', limit: 7 },
  submit: { body: SUBMISSION },
  healthz: {},
  readyz: {},
  metrics: {},
  genesis: { body: { slug: 'alpha', witnesses: [KEY], birth_witnesses: [] } },
  policy: { body: { society: SOCIETY, policy: { follow: true, witness: false, block: false } } },
  policies: {},
  consent: { body: { key: KEY, consent: true } },
  connect: { body: { address: '/ip4/127.0.0.1/tcp/1' } },
  recognize: { body: { society: SOCIETY } },
  block: { body: { society: SOCIETY, evidence: HASH } },
  override: { body: { society: SOCIETY, size: 3 } },
  audit: { body: { society: SOCIETY, replay: true, repair: false } },
  planLaw: { body: { changes: { ceilings: { mint: 1 } }, rotate: false, prepare: false } },
  changeLaw: { body: { changes: { ceilings: { mint: 1 } } } },
  completeLaw: { body: { record: { kind: 'law.update' }, sigs: [{ by: KEY, sig: 'A'.repeat(86) }] } },
  rotateKeys: { body: {} },
  introduce: { body: { lct: OTHER } },
  notice: { body: { record: HASH } },
  prepareBirth: { body: { key: KEY, entity_type: 'human', entity: 'ada' } },
  birth: { body: { record: { kind: 'birth' }, sigs: [{ by: KEY, sig: 'A'.repeat(86) }] } },
  issue: { body: { kind: 'atp.mint', body: { amount: 1 } } },
  decay: {},
  sweep: { body: { minimum: 10_000 } },
  resumePlan: { size: 3 },
  resume: { body: { size: 3, root: HASH } },
  resumePlanFrom: { witness: KEY, size: 3 },
  resumeAdopt: { body: { witness: KEY, society: SOCIETY, epoch: 1, size: 3, root: HASH } },
  resumeProposals: {},
  resumeApprove: { body: { society: SOCIETY, epoch: 1, size: 2, root: HASH } },
  dropped: { society: SOCIETY, epoch: 0 },
}
const handlerIds = Object.keys(examples) as HandlerId[]

describe('HTTP API', () => {
  let service: FakeService
  let server: ApiServer
  let url: string

  async function serve(changes: Partial<NodeService> = {}): Promise<void> {
    await server?.stop()
    service = fakeService(changes)
    server = createApiServer(
      { host: '127.0.0.1', port: 0, events: { heartbeatMs: 20, backlogBytesMax: 4_096 } },
      { service, token: TOKEN, logger: nullLogger, version: '0.1.0' },
    )
    url = (await server.start()).url
  }

  function client(token?: string) {
    return createClient({ url, ...(token === undefined ? {} : { token }) })
  }

  async function problem(response: Response): Promise<Problem> {
    assert.equal(response.headers.get('content-type')?.split(';')[0], PROBLEM_TYPE)
    const document = (await response.json()) as Problem
    assert.ok(Value.Check(problemSchema, document))
    assert.equal(document.status, response.status)
    assert.equal(document.w4, codes[document.code].w4)
    return document
  }

  async function code(response: Response | Promise<Response>): Promise<Code> {
    return (await problem(await response)).code
  }

  beforeEach(() => serve())
  afterEach(() => server.stop())

  describe('every route of the table', () => {
    for (const id of handlerIds) {
      it(`${routeOf(id).method} ${routeOf(id).path} answers as its schema says`, async () => {
        const route = routeOf(id)
        const call = client(TOKEN)[id] as (input: unknown) => Promise<unknown>
        const value = await call(examples[id])
        if (route.answer.form === 'bytes') assert.ok(value instanceof Uint8Array)
        else assert.deepEqual([...Value.Errors(route.answer.schema, value)], [])
      })
    }

    it('refuses operator routes without the right token, whatever the body', async () => {
      const operatorIds = routeIds.filter(id => routeOf(id).auth === 'operator')
      // What was given up is public, as the entries were.
      const resumes = Object.keys(service.resumes).filter(name => name !== 'dropped')
      const { laws, ...others } = service.operator
      const { view: _, ...decay } = service.decay
      const methods = [others, laws, decay].flatMap(part => Object.keys(part))
      assert.equal(operatorIds.length, methods.length + resumes.length)
      for (const id of operatorIds) {
        assert.ok(routeOf(id).path.startsWith('/v1/operator/'))
        for (const authorization of [undefined, 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`]) {
          const response = await fetch(url + routeOf(id).path, {
            method: routeOf(id).method,
            ...(routeOf(id).method === 'POST' ? { body: 'no JSON' } : {}),
            headers: { 'content-type': 'application/json', ...(authorization === undefined ? {} : { authorization }) },
          })
          assert.equal(response.headers.get('www-authenticate'), 'Bearer')
          assert.equal(await code(response), 'UNAUTHORIZED')
        }
      }
      await assert.rejects(client('wrong').recognize({ body: { society: SOCIETY } }), { code: 'UNAUTHORIZED' })
    })

    it('passes path, query and body to the node', async () => {
      const api = client(TOKEN)
      assert.deepEqual(await api.lane({ society: SOCIETY, author: LCT }), { lane: 0, n: 5 })
      assert.deepEqual(await api.lane({ society: SOCIETY, author: SOCIETY, lane: 255 }), { lane: 255, n: 260 })
      assert.equal((await api.attestations({ limit: 7 }))[0]?.claims.observed_at, 7)
      assert.equal((await api.attestations())[0]?.claims.observed_at, 100)
      await api.issue(examples.issue)
      assert.deepEqual(service.issued, [{ kind: 'atp.mint', body: { amount: 1 } }])
      const elsewhere = `beta-${'z'.repeat(26)}`
      assert.equal(await api.policy({ body: { ...examples.policy.body, society: elsewhere } }), null)
    })

    it('escapes what stands in a path', () => {
      assert.equal(urlOf(routeOf('lct'), { id: 'a/b?c' }), '/v1/lcts/a%2Fb%3Fc')
    })
  })

  describe('bytes', () => {
    it('serves entries as they are stored', async () => {
      const bytes = await client().entries({ society: SOCIETY, from: 0, limit: 3 })
      assert.equal(new TextDecoder().decode(bytes), '[{"seq":0, "b":1,"a":2},{"seq":1},{"seq":2,"text":"ä"}]')
      assert.equal(new TextDecoder().decode(await client().entries({ society: SOCIETY, from: 9 })), '[]')
    })

    it('serves bundles and notes as they are', async () => {
      assert.deepEqual(await client().proof({ id: HASH }), ENTRIES[0])
      assert.equal(await client().checkpoint({ society: SOCIETY }), NOTE)
    })

    it('hands a submission on unchanged, even one that is no JSON', async () => {
      const odd = new Uint8Array([0x7b, 0x20, 0xff, 0x00, 0x0a])
      await client().submit({ body: odd })
      await client().submit({ body: SUBMISSION })
      assert.deepEqual(
        service.submissions.map(bytes => [...bytes]),
        [[...odd], [...SUBMISSION]],
      )
    })
  })

  describe('POST /v1/records', () => {
    const post = () =>
      fetch(`${url}/v1/records`, {
        method: 'POST',
        body: SUBMISSION as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': 'application/json' },
      })

    it('says 202 while pending and 200 once sequenced', async () => {
      assert.equal((await post()).status, 202)
      await serve({ submit: async () => ok({ id: HASH, status: 'sequenced', seq: 4 }) })
      assert.equal((await post()).status, 200)
    })

    it('gives a problem for a refusal, by this node or by another', async () => {
      await serve({ submit: async () => fail(rejection('STALE', 'ten minutes')) })
      const here = await problem(await post())
      assert.equal(here.code, 'STALE')
      assert.equal(here.status, codes.STALE.http)
      assert.equal(here.detail, 'ten minutes')
      assert.match(here.advice ?? '', /clock/)
      await serve({ submit: async () => ok({ id: HASH, status: 'refused', code: 'BALANCE_INSUFFICIENT' }) })
      const there = await problem(await post())
      assert.equal(there.code, 'BALANCE_INSUFFICIENT')
      assert.equal(there.instance, `/v1/records/${HASH}`)
      await serve({ submit: async () => ok({ id: HASH, status: 'dead' }) })
      assert.equal(await code(post()), 'RECORD_DEAD')
    })

    it('refuses a body that is too long, or of another type', async () => {
      const big = await fetch(`${url}/v1/records`, {
        method: 'POST',
        body: 'x'.repeat(65_536),
        headers: { 'content-type': 'application/json' },
      })
      assert.equal(await code(big), 'FORMAT_TOO_LARGE')
      const other = await problem(await fetch(`${url}/v1/records`, { method: 'POST', body: 'x' }))
      assert.deepEqual([other.code, other.status], ['BAD_REQUEST', 415])
      assert.equal(service.submissions.length, 0)
    })
  })

  describe('problem documents', () => {
    it('come for what does not exist', async () => {
      assert.equal(await code(fetch(`${url}/v1/nothing`)), 'NOT_FOUND')
      assert.equal(await code(fetch(`${url}/v1/status`, { method: 'DELETE' })), 'NOT_FOUND')
      await assert.rejects(client().society({ id: `beta-${'z'.repeat(26)}` }), { code: 'NOT_FOUND' })
    })

    const bad = [
      '/v1/societies/Alpha',
      '/v1/records/short',
      '/v1/lcts/lct:web4:cat:x:y',
      `/v1/logs/${SOCIETY}/entries?from=-1`,
      `/v1/logs/${SOCIETY}/entries?from=abc`,
      `/v1/logs/${SOCIETY}/entries?limit=1001`,
      `/v1/logs/${SOCIETY}/entries?form=1`,
      `/v1/logs/${SOCIETY}/lanes/${LCT}?lane=256`,
      `/v1/accounts/${LCT}/projection?days=-1`,
      `/v1/accounts/${LCT}/projection?days=1.5`,
      `/v1/accounts/${LCT}/projection?days=3651`,
      `/v1/accounts/${LCT}/projection?days=`,
      `/v1/accounts/${LCT}/projection?days=true`,
      `/v1/accounts/${LCT}/projection?days=1e1`,
      `/v1/accounts/${LCT}/projection?days=1&days=2`,
      '/v1/attestations?limit=1.5',
      '/v1/attestations?limit=0',
      '/v1/societies/%',
    ]
    for (const path of bad) {
      it(`come for ${path}`, async () => assert.equal(await code(fetch(url + path)), 'BAD_REQUEST'))
    }

    it('come for bodies that are no JSON or do not fit, and name the place', async () => {
      const post = (body: string) =>
        fetch(`${url}/v1/operator/policy`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
        })
      assert.equal(await code(post('{')), 'BAD_REQUEST')
      assert.equal(await code(post('')), 'BAD_REQUEST')
      assert.equal(await code(post('{"__proto__":{}}')), 'BAD_REQUEST')
      const { code: found, detail } = await problem(
        await post(JSON.stringify({ society: SOCIETY, policy: { follow: 'yes', witness: true, block: true } })),
      )
      assert.equal(found, 'BAD_REQUEST')
      assert.match(detail ?? '', /body\/policy\/follow/)
    })

    it('never leak what went wrong inside', async () => {
      const logged: unknown[] = []
      await server.stop()
      server = createApiServer(
        { host: '127.0.0.1', port: 0 },
        {
          service: fakeService({
            status: () => {
              throw new Error('secret path /home/ada')
            },
            record: async () => {
              throw new CodedError('OVERLOADED')
            },
          }),
          token: TOKEN,
          logger: { ...nullLogger, error: (_message, facts) => logged.push(facts?.error) },
          version: '0.1.0',
        },
      )
      url = (await server.start()).url
      const response = await fetch(`${url}/v1/status`)
      const text = await response.text()
      assert.equal(response.status, 500)
      assert.equal((JSON.parse(text) as Problem).code, 'INTERNAL')
      assert.doesNotMatch(text, /secret|ada/)
      assert.match(String(logged[0]), /secret path/)
      assert.equal(await code(fetch(`${url}/v1/records/${HASH}`)), 'OVERLOADED')
    })

    it('come even for what is no HTTP', async () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      socket.end('nonsense\r\n\r\n')
      let text = ''
      for await (const piece of socket) text += String(piece)
      assert.match(text, /^HTTP\/1\.1 400 /)
      assert.match(text, /"code":"BAD_REQUEST"/)
    })
  })

  describe('readiness', () => {
    it('is 503 with reasons until the node is ready', async () => {
      await serve({ ready: () => ({ ready: false, reasons: ['waiting for witnesses'] }) })
      const response = await fetch(`${url}/readyz`)
      assert.equal(response.status, 503)
      const answer = { ready: false, reasons: ['waiting for witnesses'] }
      assert.deepEqual(await response.json(), answer)
      assert.deepEqual(await client().readyz(), answer)
    })
  })

  describe('GET /v1/events', () => {
    it('sends events as they happen, and lets go of the node when the client leaves', async () => {
      const leave = new AbortController()
      const events = client().events({ signal: leave.signal })
      const first = events.next()
      while (service.listeners.size === 0) await new Promise(resolve => setTimeout(resolve, 5))
      service.emit({ type: 'final', data: { seq: 1, text: 'a\n\nb' } })
      service.emit({ type: 'peer', data: {} })
      assert.deepEqual((await first).value, { type: 'final', data: { seq: 1, text: 'a\n\nb' } })
      assert.deepEqual((await events.next()).value, { type: 'peer', data: {} })
      const last = events.next()
      leave.abort()
      assert.equal((await last).done, true)
      while (service.listeners.size > 0) await new Promise(resolve => setTimeout(resolve, 5))
    })

    it('keeps a quiet stream alive with comments, and ends it when the server stops', async () => {
      const response = await fetch(`${url}/v1/events`)
      assert.equal(response.headers.get('content-type'), 'text/event-stream')
      const text = response.text().catch(() => 'cut')
      await new Promise(resolve => setTimeout(resolve, 70))
      await server.stop()
      assert.match(await text, /^(: still here\n\n){2,}$/)
      assert.equal(service.listeners.size, 0)
    })

    it('cuts off a client that does not read', async () => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
      socket.pause()
      socket.on('error', () => {})
      socket.write('GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n')
      while (service.listeners.size === 0) await new Promise(resolve => setTimeout(resolve, 5))
      const text = 'x'.repeat(100_000)
      for (let i = 0; i < 2_000 && service.listeners.size > 0; i++) {
        service.emit({ type: 'entry', data: { text } })
        await new Promise(setImmediate)
      }
      assert.equal(service.listeners.size, 0)
      socket.destroy()
    })

    it('parses a stream cut anywhere', async () => {
      const text = ': hello\n\nevent: a\ndata: {"x":1}\n\ndata: {}\n\nevent: none\n\n'
      for (let cut = 0; cut <= text.length; cut++) {
        async function* pieces() {
          yield text.slice(0, cut)
          yield text.slice(cut)
        }
        const found = []
        for await (const event of parseEvents(pieces())) found.push(event)
        assert.deepEqual(found, [
          { type: 'a', data: { x: 1 } },
          { type: 'message', data: {} },
        ])
      }
    })
  })

  describe('OpenAPI', () => {
    interface Operation {
      readonly operationId: string
      readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
      readonly requestBody?: unknown
      readonly responses: Record<string, { readonly description: string; readonly content: Record<string, unknown> }>
      readonly security?: unknown
    }
    interface Document {
      readonly openapi: string
      readonly info: { readonly title: string; readonly version: string }
      readonly paths: Record<string, Record<string, Operation>>
    }

    it('is 3.1 and lists every route with its parameters, answers and refusals', async () => {
      const document = (await (await fetch(`${url}/openapi.json`)).json()) as Document
      assert.match(document.openapi, /^3\.1\.\d+$/)
      assert.equal(document.info.version, '0.1.0')
      const listed = Object.values(document.paths).flatMap(operations => Object.values(operations))
      assert.deepEqual(listed.map(operation => operation.operationId).sort(), [...routeIds].sort())
      for (const id of routeIds) {
        const route = routeOf(id)
        const path = route.path.replace(/:([a-z]+)/g, '{$1}')
        const operation = document.paths[path]?.[route.method.toLowerCase()]
        assert.ok(operation, id)
        const parameters = (operation.parameters ?? []).map(({ in: place, name, required }) => {
          if (place === 'path') assert.equal(required, true)
          return name
        })
        const expected = [route.params, route.query].flatMap(part => Object.keys(part?.properties ?? {}))
        assert.deepEqual(parameters.sort(), expected.sort())
        assert.equal(operation.requestBody !== undefined, route.body !== undefined)
        assert.equal(operation.security !== undefined, route.auth === 'operator')
        const statuses = [...route.answer.statuses.map(String), 'default']
        assert.deepEqual(Object.keys(operation.responses).sort(), statuses.sort())
        assert.ok(Object.hasOwn(operation.responses.default?.content ?? {}, PROBLEM_TYPE))
        for (const status of route.answer.statuses) {
          const content: object = operation.responses[String(status)]?.content ?? {}
          assert.deepEqual(Object.keys(content), [route.answer.type])
        }
      }
      assert.doesNotMatch(JSON.stringify(document), /"\$ref"|nullable/)
    })
  })

  describe('start and stop', () => {
    it('can be repeated', async () => {
      assert.equal((await server.start()).url, url)
      await server.stop()
      await server.stop()
      await assert.rejects(client().status(), { code: 'NODE_UNREACHABLE' })
      url = (await server.start()).url
      assert.equal((await client().status()).society, SOCIETY)
    })

    it('does not wait for a socket on which nobody has asked anything', async () => {
      const { hostname, port } = new URL(url)
      const socket = connect(Number(port), hostname)
      await once(socket, 'connect')
      const ended = once(socket.resume(), 'close')
      // An answer on another socket: by then the server has met the first one.
      await fetch(`${url}/healthz`)
      const before = performance.now()
      await server.stop()
      await ended
      assert.ok(performance.now() - before < 4_000, 'the grace of five seconds is for answers in the making')
    })

    it('leaves nothing behind when stopped during the start', async () => {
      await server.stop()
      const starting = server.start()
      await server.stop()
      url = (await starting).url
      await assert.rejects(client().status(), { code: 'NODE_UNREACHABLE' })
    })

    it('finishes an answer in the making', async () => {
      const held = Promise.withResolvers<RecordView>()
      await serve({ record: () => held.promise })
      const answer = client().record({ id: HASH })
      await new Promise(resolve => setTimeout(resolve, 50))
      const stopped = server.stop()
      held.resolve({ id: HASH, status: 'unknown' })
      assert.equal((await answer).status, 'unknown')
      await stopped
    })
  })
})

describe('API client', () => {
  it('says so when something else answers', async () => {
    const answers =
      (body: string, status: number): typeof fetch =>
      async () =>
        new Response(body, { status })
    const api = (body: string, status: number) => createClient({ url: 'http://x', fetch: answers(body, status) })
    await assert.rejects(api('<html>', 502).status(), { code: 'PEER_GARBAGE' })
    await assert.rejects(api('<html>', 200).status(), { code: 'PEER_GARBAGE' })
    await assert.rejects(api('{"code":"toString"}', 400).status(), { code: 'PEER_GARBAGE' })
  })

  it('gives up when nobody answers in time', async () => {
    const server = (await import('node:http')).createServer(() => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    await assert.rejects(createClient({ url: `http://127.0.0.1:${port}`, timeoutMs: 30 }).status(), {
      code: 'NODE_UNREACHABLE',
    })
    server.closeAllConnections()
    server.close()
  })
})

describe('operator token', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'web4-token-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('is made once, for its owner alone', async () => {
    const token = await operatorToken(join(dir, 'new'))
    assert.match(token, /^[A-Za-z0-9_-]{43}$/)
    assert.equal(await operatorToken(join(dir, 'new')), token)
    assert.equal(await readOperatorToken(join(dir, 'new')), token)
    assert.equal((await stat(join(dir, 'new', 'operator.token'))).mode & 0o777, 0o600)
    assert.equal(await readOperatorToken(join(dir, 'none')), undefined)
  })

  it('is not replaced when damaged', async () => {
    await writeFile(join(dir, 'operator.token'), '\n')
    await assert.rejects(operatorToken(dir), { code: 'STORE_CORRUPT' })
  })

  it('is compared whole', () => {
    assert.equal(bears(`Bearer ${TOKEN}`, TOKEN), true)
    assert.equal(bears(`bearer ${TOKEN}`, TOKEN), true)
    for (const header of [undefined, '', 'Bearer ', TOKEN, `Bearer ${TOKEN.slice(1)}`, `Bearer ${TOKEN} `]) {
      assert.equal(bears(header, TOKEN), false)
    }
  })
})
