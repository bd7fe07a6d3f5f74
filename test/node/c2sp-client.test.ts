import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPublicWitnesses, readWatchedLogs } from '../../node/c2sp/lists.ts'
import { postCheckpoint } from '../../node/c2sp/post-checkpoint.ts'
import { formatVerifierKey } from '../../src/log/c2sp/verifier-key.ts'
import type { CodedError } from '../../src/rejection.ts'
import { loadVectors, type Vector } from '../support/vector-files.ts'

/** Whoever stands behind a URL may answer anything, or nothing. */
describe('requests to public witnesses', () => {
  let server: Server
  let url: string
  let paths: string[]

  async function serve(listener: RequestListener): Promise<void> {
    paths = []
    server = createServer((request, response) => {
      paths.push(`${request.method} ${request.url}`)
      listener(request, response)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/prefix`
  }

  afterEach(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })

  it('go to add-checkpoint below the prefix, and bring status and body', async () => {
    let sent = ''
    await serve((request, response) => {
      request.on('data', chunk => {
        sent += chunk
      })
      request.on('end', () => response.writeHead(409, { 'content-type': 'text/x.tlog.size' }).end('12\n'))
    })
    assert.deepEqual(await postCheckpoint()(url, 'old 0\n— é\n'), { ok: true, value: { status: 409, body: '12\n' } })
    assert.deepEqual([paths, sent], [['POST /some/prefix/add-checkpoint'], 'old 0\n— é\n'])
  })

  it('follow no redirect', async () => {
    await serve((_request, response) => response.writeHead(307, { location: '/elsewhere' }).end())
    assert.deepEqual(await postCheckpoint()(url, ''), { ok: true, value: { status: 307, body: '' } })
    assert.deepEqual(paths, ['POST /some/prefix/add-checkpoint'])
  })

  it('PEER_TOO_MUCH: a body without end is left', async () => {
    const gone = { closed: false }
    await serve((_request, response) => {
      const more = () => {
        while (response.write('x'.repeat(1_024)));
      }
      response.on('drain', more)
      response.on('close', () => {
        gone.closed = true
      })
      more()
    })
    const answer = await postCheckpoint()(url, '')
    assert.equal(answer.ok ? 'ok' : answer.error.code, 'PEER_TOO_MUCH')
    while (!gone.closed) await new Promise(resolve => setImmediate(resolve))
  })

  it('PEER_SILENT: nothing in time, or a body that drips', async () => {
    await serve(() => {})
    const silent = await postCheckpoint(50)(url, '')
    assert.equal(silent.ok ? 'ok' : silent.error.code, 'PEER_SILENT')
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    await serve((_request, response) => response.write('a'))
    const drips = await postCheckpoint(50)(url, '')
    assert.equal(drips.ok ? 'ok' : drips.error.code, 'PEER_SILENT')
  })

  it('PEER_UNREACHABLE: nobody there, or no HTTP', async () => {
    await serve(request => request.socket.end('SSH-2.0\r\n'))
    const strange = await postCheckpoint()(url, '')
    assert.equal(strange.ok ? 'ok' : strange.error.code, 'PEER_UNREACHABLE')
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
    const nobody = await postCheckpoint()(url, '')
    assert.equal(nobody.ok ? 'ok' : nobody.error.code, 'PEER_UNREACHABLE')
    await serve(() => {})
  })

  it('bring bytes that are no text as no text', async () => {
    await serve((_request, response) => response.end(Buffer.from([0xff, 0xfe])))
    assert.deepEqual(await postCheckpoint()(url, ''), { ok: true, value: { status: 200, body: '' } })
  })
})

describe('files of witnesses and logs', () => {
  const keys = loadVectors<Vector & { readonly vkey: string }>('c2sp/keys.json')
  const vkey = (id: string) => keys.find(each => each.id === id)?.vkey ?? ''
  let dir: string

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'web4-lists-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  async function file(value: unknown): Promise<string> {
    const path = join(dir, 'list.json')
    await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
    return path
  }
  async function problems(read: (path: string) => Promise<unknown>, value: unknown): Promise<string> {
    const error = (await read(await file(value)).catch(error => error)) as CodedError
    assert.equal(error.code, 'BAD_REQUEST')
    return error.message.replaceAll(join(dir, 'list.json'), 'FILE')
  }

  it('names witnesses by verifier key and URL', async () => {
    assert.deepEqual(await readPublicWitnesses(''), [])
    const list = [{ key: vkey('remora'), url: 'https://witness.example/w/' }]
    const [witness] = await readPublicWitnesses(await file(list))
    assert.ok(witness)
    assert.deepEqual([formatVerifierKey(witness.key), witness.url], [vkey('remora'), 'https://witness.example/w'])
  })

  it('refuses what is no such list, with every problem', async () => {
    assert.equal(await problems(readPublicWitnesses, '[{'), 'FILE is not JSON')
    assert.match(await problems(readPublicWitnesses, [{ key: 'x' }]), /^FILE: /)
    assert.match(await problems(readPublicWitnesses, [{ key: 'x', url: 'y', more: 1 }]), /^FILE: /)
    const log = vkey('peter')
    const bad = [
      { key: log, url: 'https://a.example' },
      { key: vkey('remora'), url: 'ftp://a.example' },
      { key: vkey('remora'), url: 'https://me:secret@a.example/?q#f' },
    ]
    assert.equal(
      await problems(readPublicWitnesses, bad),
      'FILE:\n  0: key is no verifier key of a cosigner (type 0x04)\n  1: url is not http(s)://host/path\n' +
        '  2: url is not http(s)://host/path\n  a key twice',
    )
    assert.match(await problems(readPublicWitnesses, Array(17).fill(bad[0])), /^FILE: /)
    await assert.rejects(readPublicWitnesses(join(dir, 'none.json')), { code: 'BAD_REQUEST' })
  })

  it('refuses the name of a witness that counts', async () => {
    const ours = loadVectors<Vector & { readonly cosigners?: readonly string[] }>('c2sp/ours.json')
    const [counted = ''] = ours.find(({ cosigners }) => cosigners !== undefined)?.cosigners ?? []
    assert.match(counted, /^web4\/witness\//)
    assert.match(
      await problems(readPublicWitnesses, [{ key: counted, url: 'https://a.example' }]),
      /is the name of a witness that counts/,
    )
  })

  it('names logs by origin and key, several keys for one log', async () => {
    const list = [
      { origin: 'go.sum database tree', key: vkey('sumdb') },
      { origin: 'b', key: vkey('peter') },
      { origin: 'b', key: vkey('enoch') },
    ]
    const logs = await readWatchedLogs(await file(list))
    assert.deepEqual(
      logs.map(({ keys: of, origin }) => [origin, of.map(formatVerifierKey)]),
      [
        ['go.sum database tree', [vkey('sumdb')]],
        ['b', [vkey('peter'), vkey('enoch')]],
      ],
    )
    const bad = [{ origin: 'a', key: vkey('bad-length') }]
    assert.equal(await problems(readWatchedLogs, bad), 'FILE:\n  0: key is no Ed25519 verifier key')
  })
})
