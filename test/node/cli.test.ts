import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type ApiServer, createApiServer } from '../../node/api/server.ts'
import { operatorToken } from '../../node/api/token.ts'
import { writeApiFile } from '../../node/cli/find-node.ts'
import { runCli } from '../../node/cli/program.ts'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { createKeyFile } from '../../node/keys/keystore.ts'
import { nullLogger } from '../../node/observe/logger.ts'
import type { NodeService } from '../../node/service.ts'
import { canonicalBytes, canonicalText, decodeCanonical, type Json, type JsonObject } from '../../src/canonical.ts'
import { signedMessage } from '../../src/crypto.ts'
import { fromBase64url, keyBytes } from '../../src/encoding.ts'
import { openSubmission } from '../../src/ingest/open.ts'
import { defaultLaw } from '../../src/records/law.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'
import { identity, keysOf } from '../support/identity.ts'
import { keysOfSociety, TestSociety } from '../support/society.ts'
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
  society,
} from './support/fake-service.ts'

const MAIN = fileURLToPath(new URL('../../node/cli/main.ts', import.meta.url))
const EVIDENCE = createHash('sha256').update('receipt').digest('base64url')
/** The cheapest that a key file may have: these tests are not about its cost. */
const KDF = { opslimit: 1, memlimit: 8192 }

interface End {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

describe('command line', () => {
  let dir: string
  let service: FakeService
  let server: ApiServer | undefined

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'web4-cli-'))
  })
  afterEach(async () => {
    await server?.stop()
    server = undefined
    await rm(dir, { recursive: true })
  })

  /** A node on the data folder. */
  async function serve(changes: Partial<NodeService> = {}): Promise<void> {
    service = fakeService(changes)
    const components = { service, token: await operatorToken(dir), logger: nullLogger, version: '0.1.0' }
    server = createApiServer({ host: '127.0.0.1', port: 0 }, components)
    await writeApiFile(dir, (await server.start()).url)
  }

  async function web4(...argv: string[]): Promise<End> {
    const out: Buffer[] = []
    let stderr = ''
    const code = await runCli(argv, {
      env: { WEB4_DIR: dir, WEB4_PASSPHRASE: 'correct horse' },
      stdout: piece => void out.push(Buffer.from(piece)),
      stderr: text => {
        stderr += text
      },
      terminal: { stdin: new PassThrough(), stderr: new Writable() },
      now: Date.now,
      ended: () => Promise.resolve(),
    })
    return { code, stdout: Buffer.concat(out).toString('utf8'), stderr }
  }

  async function json<T = Record<string, unknown>>(...argv: string[]): Promise<T> {
    const end = await web4(...argv, '--json')
    assert.equal(end.code, 0, end.stderr)
    assert.equal(end.stdout.trimEnd().split('\n').length, 1)
    return JSON.parse(end.stdout) as T
  }

  async function refused(code: string, ...argv: string[]): Promise<void> {
    const end = await web4(...argv, '--json')
    assert.notEqual(end.code, 0)
    assert.equal((JSON.parse(end.stdout) as { error: { code: string } }).error.code, code, end.stderr)
  }

  async function memberKey(name = 'ada'): Promise<string> {
    await mkdir(join(dir, 'keys'), { recursive: true })
    const path = join(dir, 'keys', `${name}.key`)
    const key = await createKeyFile(path, 'member', 'correct horse', { kdf: KDF })
    await writeFile(join(dir, 'keys', `${name}.lct`), `${LCT}\n`)
    return key
  }

  /** The record that the node got, after checking that its one signature holds. */
  function submitted(): JsonObject {
    const bytes = service.submissions.at(-1)
    assert.ok(bytes)
    const decoded = decodeCanonical(bytes)
    assert.ok(decoded.ok)
    const { record, sigs } = decoded.value as { record: JsonObject; sigs: { by: string; sig: string }[] }
    assert.equal(sigs.length, 1)
    const [{ by, sig } = { by: '', sig: '' }] = sigs
    const message = signedMessage('record', canonicalBytes(record))
    assert.ok(verifySync(keyBytes(by) as Uint8Array, fromBase64url(sig) as Uint8Array, message))
    const opened = openSubmission(bytes, sha256)
    assert.ok(opened.ok, opened.ok ? '' : `${opened.error.code} ${opened.error.detail}`)
    return record
  }

  describe('mistakes', () => {
    it('suggests what was meant, and ends with 2', async () => {
      const end = await web4('stats')
      assert.equal(end.code, 2)
      assert.match(end.stderr, /unknown command 'stats'\n\(Did you mean status\?\)/)
      assert.match((await web4('atp', 'trasfer', '1')).stderr, /Did you mean transfer\?/)
      assert.match((await web4('status', '--jsno')).stderr, /Did you mean --json\?/)
      await refused('BAD_REQUEST', 'stats')
      assert.equal((await web4()).code, 2)
    })

    it('refuses amounts that are none', async () => {
      for (const amount of ['0', '-1', '1.0000001', '1e3', 'all', '9007199254.740992']) {
        await refused('BAD_REQUEST', 'atp', 'mint', '--', amount)
      }
    })

    it('says what to do when no node runs', async () => {
      const end = await web4('status')
      assert.equal(end.code, 1)
      assert.match(end.stderr, /NODE_UNREACHABLE: no node runs on .*\n {2}Start the node with `web4 start`/)
      await refused('NODE_UNREACHABLE', 'status')
      await writeApiFile(dir, 'http://127.0.0.1:9')
      await refused('NODE_UNREACHABLE', 'log')
      await refused('BAD_REQUEST', 'status', '--url', 'localhost')
    })

    it('lists all problems of a configuration', async () => {
      const end = await web4('start', '--api-port', '70000', '--range-fetch', 'maybe', '--json')
      assert.equal(end.code, 2)
      assert.match(end.stderr, /--api-port: must be .*\n {2}--range-fetch: must be on or off/)
    })

    it('hands on what the node refuses', async () => {
      await serve({ proof: async () => fail(rejection('NOT_FINAL', 'two witnesses are missing')) })
      const end = await web4('proof', HASH)
      assert.equal(end.code, 1)
      assert.match(end.stderr, /NOT_FINAL: two witnesses are missing\n {2}Wait until/)
    })
  })

  describe('reading', () => {
    beforeEach(() => serve())

    it('status and peers', async () => {
      assert.equal((await json('status')).society, SOCIETY)
      const { stdout } = await web4('status')
      assert.match(stdout, /3 entries, 2 final \(for us 1\); 3 of 4 witnesses, 1 may lie, 1 may be away/)
      assert.equal((await json<{ peers: unknown[] }>('peers')).peers.length, 1)
      assert.deepEqual(await json('peers', 'connect', '/ip4/127.0.0.1/tcp/1'), { peer: '/ip4/127.0.0.1/tcp/1' })
    })

    it('finds a node by its URL, and gives the token of the folder only to who named the folder', async () => {
      const url = (await server?.start())?.url ?? ''
      assert.equal((await json('status', '--url', url)).society, SOCIETY)
      await refused('UNAUTHORIZED', 'peers', 'connect', 'x', '--url', url)
      await json('peers', 'connect', 'x', '--url', url, '--dir', dir)
    })

    it('log and checkpoint', async () => {
      const entries = ['charter', 'birth'].map((kind, seq) =>
        canonicalBytes({ record: { kind, author: '' }, seq, time: 1_700_000_000_000 }),
      )
      await server?.stop()
      await serve({ entries: async (_, from) => ok(entries.slice(from)) })
      const found = await json<{ entries: { seq: number }[]; size: number }>('log')
      assert.deepEqual([found.size, found.entries.map(({ seq }) => seq)], [3, [0, 1]])
      assert.match(
        (await web4('log', SOCIETY, '--from', '1')).stdout,
        /^ {7}1 {2}2023-11-14T22:13:20.000Z {2}final {2}birth/,
      )
      assert.equal((await json('log', '--checkpoint')).note, NOTE)
      const { stdout } = await web4('log', '--snapshots')
      assert.match(
        stdout,
        /^ {7}0 {2}unclaimed {2}\S{43}\n {3}10000 {2}computing {2}-{43} {2}claimed at 10007 as \S{43}\n$/,
      )
    })

    it('balance in ATP', async () => {
      assert.equal(
        (await web4('atp', 'balance', LCT)).stdout,
        [
          `12.5 ATP of ${SOCIETY}: not all final yet (entry 2 is the newest, below 2 all are)`,
          '  born        ATP left  dies',
          '  2024-10-04      12.5  2025-10-04',
          '  next decay steps',
          '  2024-11-04  12.479166',
          '  2024-11-05  12.458367',
          '  the oldest lot dies 2025-10-04',
          '',
        ].join('\n'),
      )
      assert.equal((await json('atp', 'balance', LCT, '--society', SOCIETY)).lct, LCT)
    })

    it('proof writes the bundle byte for byte', async () => {
      const stored = new TextDecoder().decode(ENTRIES[0])
      assert.equal((await web4('proof', HASH)).stdout, stored)
      const out = join(dir, 'proof.json')
      assert.deepEqual(await json('proof', HASH, '--out', out), { id: HASH, file: out, bytes: stored.length })
      assert.equal(await readFile(out, 'utf8'), stored)
      assert.equal((await web4('proof', LCT)).stdout, new TextDecoder().decode(ENTRIES[1]))
    })

    it('says on stderr that it still works after a second', async () => {
      await server?.stop()
      const slow = new Promise(resolve => setTimeout(resolve, 1_200))
      await serve({ accounts: () => slow.then(() => []) })
      const end = await web4('atp', 'balance', LCT)
      assert.match(end.stderr, /^asking the node … 1 s\nweb4: ACCOUNT_UNKNOWN/)
      assert.equal(end.stdout, '')
    })
  })

  describe('records', () => {
    beforeEach(() => serve())

    it('mint and charge by the society', async () => {
      assert.equal((await json('atp', 'mint', '100')).status, 'final')
      await json('atp', 'charge', '0.000001', '--to', LCT, '--evidence', EVIDENCE)
      assert.deepEqual(service.issued, [
        { kind: 'atp.mint', body: { amount: 100_000_000 } },
        { kind: 'atp.charge', body: { amount: 1, to: LCT, evidence: EVIDENCE } },
      ])
    })

    it('charge by a producer brings its signature', async () => {
      const key = await memberKey()
      await json('atp', 'charge', '2', '--to', OTHER, '--evidence', EVIDENCE, '--key', 'ada')
      const [issued] = service.issued as unknown as { author: string; record: JsonObject; sigs: { by: string }[] }[]
      assert.equal(issued?.author, LCT)
      assert.equal(issued?.record.kind, 'atp.charge')
      assert.equal(issued?.sigs[0]?.by, key)
    })

    it('transfer signs a canonical record with the next n of the lane', async () => {
      await memberKey()
      const { id, status } = await json('atp', 'transfer', '1.5', '--key', 'ada', '--to', OTHER, '--lane', '2')
      assert.deepEqual([id, status], [HASH, 'pending'])
      const { time, ...record } = submitted()
      assert.ok(Math.abs((time as number) - Date.now()) < 60_000)
      const body = { amount: 1_500_000, from: LCT, to: OTHER }
      assert.deepEqual(record, { v: 1, kind: 'atp.transfer', society: SOCIETY, author: LCT, lane: 2, n: 7, body })
    })

    it('transfer waits until final when told to', async () => {
      await memberKey()
      assert.equal((await json('atp', 'transfer', '1', '--key', 'ada', '--to', OTHER, '--wait')).status, 'final')
    })

    it('discharge hashes the document that it is given', async () => {
      await memberKey()
      const file = join(dir, 'receipt')
      await writeFile(file, 'receipt')
      await json('atp', 'discharge', '3', '--key', join(dir, 'keys', 'ada.key'), '--evidence', `@${file}`)
      assert.deepEqual(submitted().body, { amount: 3_000_000, evidence: EVIDENCE, from: LCT })
      await refused('BAD_REQUEST', 'atp', 'discharge', '3', '--key', 'ada', '--evidence', 'short')
    })

    it('attest', async () => {
      await memberKey()
      const base = ['attest', OTHER, '--key', 'ada', '--type', 'existence', '--claims']
      await json(...base, '{"observed_at": 5, "method": "seen"}')
      assert.deepEqual(submitted().body, {
        subject: OTHER,
        type: 'existence',
        claims: { method: 'seen', observed_at: 5 },
      })
      await refused('FORMAT_JSON', ...base, '{')
      await refused('FORMAT_FLOAT', ...base, '{"observed_at": 5.5}')
      await refused('CLAIMS_INVALID', ...base, '[]')
      await refused('BAD_REQUEST', 'attest', OTHER, '--key', 'ada', '--type', 'rumour', '--claims', '{}')
    })

    it('refuse keys that are missing, not a member’s or of nobody', async () => {
      const transfer = (key: string) => ['atp', 'transfer', '1', '--to', OTHER, '--key', key]
      await refused('BAD_REQUEST', ...transfer('nobody'))
      await refused('KEY_FILE', ...transfer('nobody'), '--as', LCT)
      await mkdir(join(dir, 'keys'))
      await createKeyFile(join(dir, 'keys', 'w.key'), 'witness', 'correct horse', { kdf: KDF })
      await refused('KEY_FILE', ...transfer('w'), '--as', LCT)
    })
  })

  describe('members', () => {
    beforeEach(() => serve())

    it('new makes a key, signs the prepared birth and notes the LCT', async () => {
      const births: { record: Json; sigs: readonly { by: string; sig: string }[] }[] = []
      service.operator.birth = async request => {
        births.push(request)
        return ok({ id: HASH, status: 'final', lct: LCT })
      }
      const born = await json('member', 'new', 'ada', '--type', 'ai', '--entity', 'ada@example.org')
      assert.deepEqual([born.lct, born.status], [LCT, 'final'])
      const [birth] = births
      const [sig] = birth?.sigs ?? []
      assert.equal(sig?.by, born.key)
      const message = signedMessage('record', canonicalBytes(birth?.record ?? null))
      assert.ok(verifySync(keyBytes(sig?.by ?? '') as Uint8Array, fromBase64url(sig?.sig ?? '') as Uint8Array, message))
      const { keys } = await json<{ keys: JsonObject[] }>('keys')
      assert.deepEqual(keys, [{ key: born.key, purpose: 'member', file: join(dir, 'keys', 'ada.key'), lct: LCT }])
      await refused('KEY_FILE', 'member', 'new', 'ada')
    })

    it('birth signs nothing but a birth of its key', async () => {
      await memberKey()
      assert.equal((await json('birth', '--key', 'ada', '--entity', 'ada')).lct, LCT)
      service.operator.prepareBirth = async () => ok({ record: { kind: 'atp.transfer', body: {} }, lct: LCT })
      await refused('PEER_GARBAGE', 'birth', '--key', 'ada', '--entity', 'ada')
    })

    it('keys go out and come in as PKCS#8', async () => {
      const key = await memberKey()
      const pem = join(dir, 'ada.pem')
      assert.equal((await json('keys', 'export', 'ada', '--out', pem)).key, key)
      assert.match(await readFile(pem, 'utf8'), /BEGIN ENCRYPTED PRIVATE KEY/)
      await refused('KEY_FILE', 'keys', 'export', 'ada', '--out', pem)
      assert.equal((await json('keys', 'import', pem, '--out', 'eve')).key, key)
      assert.equal((await json<{ keys: unknown[] }>('keys')).keys.length, 2)
    })
  })

  describe('after a start', () => {
    const peers = [
      { key: KEY, told: 9, shown: 4 },
      { key: KEY, told: 9, shown: 9 },
      { key: KEY, told: 2 },
      { key: KEY },
    ]

    it('status says what is missing, and who told what', async () => {
      const waits = { ...society, state: 'starting', start_up: { newest: 9, here: 3, needed: 3, peers } } as const
      const own = { ...society, state: 'key-in-use' } as const
      await serve({ status: () => ({ ...fakeService().status(), logs: [waits, own] }) })
      const { stdout } = await web4('status')
      assert.ok(
        stdout.includes(
          [
            '          appends nothing yet: others hold 9 entries, here are 3; 3 of 4 heard, 3 needed',
            `          ${KEY} told 9, but the newest note that came with it is of 4`,
            `          ${KEY} told 9, and shows a note of it`,
            `          ${KEY} told 2`,
            `          ${KEY} not heard`,
          ].join('\n'),
        ),
        stdout,
      )
      assert.match(stdout, /: key-in-use, .+\n {10}another process signs with its key: nothing is signed here/)
    })

    it('override repeats the size', async () => {
      await serve()
      assert.equal((await json('override', SOCIETY, '--size', '3')).size, 3)
      assert.match((await web4('override', SOCIETY, '--size', '3')).stdout, /: signs from 3 entries on/)
      assert.match((await web4('override', SOCIETY)).stderr, /required option '--size <n>' not specified/)
    })

    for (const code of ['OVERRIDE_SIZE', 'KEY_IN_USE', 'CHECKPOINT_AHEAD'] as const)
      it(`${code}: an override that would do harm`, async () => {
        await serve({ operator: { ...fakeService().operator, override: async () => fail(rejection(code)) } })
        await refused(code, 'override', SOCIETY, '--size', '3')
      })
  })

  describe('society', () => {
    it('recognize, block, introduce', async () => {
      await serve()
      for (const argv of [
        ['recognize', SOCIETY],
        ['block', SOCIETY, '--evidence', HASH],
        ['introduce', OTHER],
      ]) {
        assert.equal((await json('society', ...argv)).status, 'final')
      }
    })
  })

  describe('verify', () => {
    const witnesses = ['a', 'b', 'c', 'd'].map(name => identity(`cli witness ${name}`))
    let file: string
    let society: TestSociety

    beforeEach(async () => {
      const law = defaultLaw({
        witness_key: keysOfSociety('gamma').witness.key,
        finality: keysOf(witnesses),
        birth: [],
      })
      society = new TestSociety({ slug: 'gamma', law, witnesses })
      society.append({ kind: 'atp.mint', body: { amount: 5 } })
      const cosigners = [...witnesses].sort((a, b) => (a.key < b.key ? -1 : 1)).slice(1)
      const [charter, entry] = society.entries.map(({ bytes }) => JSON.parse(new TextDecoder().decode(bytes)) as Json)
      const bundle = {
        charter: { entry: charter ?? null, proof: society.proof(0) },
        entry: entry ?? null,
        handovers: [],
        note: society.note({ cosigners }),
        proof: society.proof(1),
        society: society.id,
        v: 1,
      }
      file = join(dir, 'bundle.json')
      await writeFile(file, canonicalText(bundle))
    })

    for (const how of [[], ['--portable']]) {
      it(`says whose word it is ${how.join()}`, async () => {
        const end = await web4('verify', file, ...how)
        assert.equal(end.code, 0, end.stderr)
        assert.match(end.stdout, /final by 3 of 4 witnesses named by the society; known to you: 0\n$/)
        const facts = await json<{ kind: string; seq: number; valid: boolean }>(
          'verify',
          file,
          '--society',
          society.id,
          ...how,
        )
        assert.deepEqual([facts.kind, facts.seq, facts.valid], ['atp.mint', 1, true])
      })
    }

    it('counts only accepted witnesses', async () => {
      const accept = witnesses.flatMap(({ key }) => ['--accept', key])
      assert.match((await web4('verify', file, ...accept)).stdout, /known to you: 3\n$/)
      await refused('BUNDLE_QUORUM', 'verify', file, ...accept.slice(0, 4))
      await refused('BAD_REQUEST', 'verify', file, '--accept', 'z6MkNoKey')
    })

    it('fails for another society, a changed byte, a line end or no file', async () => {
      await refused('BUNDLE_CHAIN', 'verify', file, '--society', SOCIETY)
      const text = await readFile(file, 'utf8')
      await writeFile(file, `${text}\n`)
      await refused('FORMAT_NOT_CANONICAL', 'verify', file)
      await writeFile(file, text.replace('"amount":5', '"amount":6'))
      assert.equal((await web4('verify', file)).code, 1)
      await refused('BAD_REQUEST', 'verify', join(dir, 'none'))
    })
  })

  it('runs as a process: exit code, one object on stdout, nothing lost', () => {
    const end = spawnSync(process.execPath, [MAIN, 'status', '--json'], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, WEB4_DIR: dir },
    })
    assert.equal(end.status, 1)
    assert.equal((JSON.parse(end.stdout) as { error: { code: string } }).error.code, 'NODE_UNREACHABLE')
    assert.match(spawnSync(process.execPath, [MAIN, '--version'], { encoding: 'utf8' }).stdout, /^\d+\.\d+\.\d+\n$/)
  })
})
