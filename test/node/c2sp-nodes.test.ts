import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '../../node/api/client.ts'
import { verifySync } from '../../node/crypto/sodium.ts'
import { publishedNote } from '../../src/driver/published.ts'
import { tlogProofOf } from '../../src/log/c2sp/bundle-proof.ts'
import { formatTlogProof, parseTlogProof, verifyTlogProof } from '../../src/log/c2sp/tlog-proof.ts'
import { formatVerifierKey, parseVerifierKey, verifierKey } from '../../src/log/c2sp/verifier-key.ts'
import { leafHash } from '../../src/log/merkle.ts'
import { TYPE_COSIGNATURE } from '../../src/log/note.ts'
import { sha256 } from '../log/fixtures.ts'
import { contentOf } from '../support/cluster.ts'
import { allFinal, connectAll, LocalNode, ready, steadyClock } from '../support/local-nodes.ts'
import {
  letterEntries,
  letterKey,
  letterLeaf,
  letterNote,
  letterProof,
  letterRoot,
  letterSigned,
  letterTile,
} from '../support/tlog-by-the-letter.ts'
import { until } from '../support/until.ts'

/** Enough for a full tile, a growing one above it, and a partial one beside it. */
const ENTRIES = 300

describe('C2SP from outside: a log as tiles, its proofs, and a witness elsewhere', function () {
  this.timeout(120_000)
  let dir: string
  let home: LocalNode
  let helpers: LocalNode[]
  let society: string

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'web4-c2sp-'))
    const clock = steadyClock()
    home = await LocalNode.start({ slug: 'home', clock, config: { dir: join(dir, 'home') }, api: true })
    helpers = [
      await LocalNode.start({ slug: 'one', clock, config: { dir: join(dir, 'one') }, api: true }),
      await LocalNode.start({ slug: 'two', clock }),
    ]
    await connectAll([home, ...helpers])
    society = await home.found(helpers, helpers)
    for (const { running } of helpers)
      await running.service.operator.policy(society, { follow: true, witness: true, block: false })
    await ready([home])
    for (let i = 1; i < ENTRIES; i += 50)
      await Promise.all(Array.from({ length: Math.min(50, ENTRIES - i) }, () => home.issue('atp.mint', { amount: 1 })))
    await allFinal([home], [home, ...helpers])
    await until('the last checkpoint is final', () => publishedNote(home.log())?.checkpoint.size === ENTRIES)
  })

  after(async () => {
    for (const node of [home, ...(helpers ?? [])]) await node?.stop()
    await rm(dir, { recursive: true, force: true })
  })

  const get = (path: string, node = home, headers: Record<string, string> = { 'accept-encoding': 'identity' }) =>
    fetch(`${node.apiUrl}/tlog/${society}/${path}`, { headers })
  const bytes = async (path: string, node = home) => {
    const response = await get(path, node)
    assert.equal(response.status, 200, path)
    assert.equal(response.headers.get('content-type'), 'application/octet-stream')
    assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    return Buffer.from(await response.arrayBuffer())
  }

  it('a monitor that knows nothing of ours gets the whole log and finds it true', async () => {
    const response = await get('checkpoint')
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8')
    assert.equal(response.headers.get('cache-control'), 'public, max-age=2')
    const note = letterNote(await response.text())
    assert.deepEqual([note.origin, note.size], [`web4/${society}`, ENTRIES])
    assert.equal(letterSigned(note, letterKey(await (await get('vkey')).text())), true)
    for (const { keys } of helpers) {
      const name = `web4/witness/${keys.witness.key}`
      const vkey = formatVerifierKey(verifierKey(name, TYPE_COSIGNATURE, keys.witness.raw, sha256))
      assert.equal(typeof letterSigned(note, letterKey(vkey)), 'number')
    }
    const entries: Buffer[] = []
    for (let n = 0; n * 256 < ENTRIES; n++)
      entries.push(...letterEntries(await bytes(letterTile('entries', n, ENTRIES))))
    assert.equal(entries.length, ENTRIES)
    assert.deepEqual(
      entries,
      (await home.log().replica.entries(0, ENTRIES)).map(each => Buffer.from(each)),
    )
    let nodes = entries.map(letterLeaf) as Uint8Array[]
    assert.deepEqual(letterRoot(nodes), note.root)
    for (let level = 0; nodes.length > 0; level++) {
      for (let n = 0; n * 256 < nodes.length; n++) {
        const expected = Buffer.concat(nodes.slice(n * 256, n * 256 + 256))
        assert.deepEqual(await bytes(letterTile(level, n, nodes.length)), expected, `level ${level}, tile ${n}`)
      }
      const above = Math.floor(nodes.length / 256)
      nodes = Array.from({ length: above }, (_, n) => letterRoot(nodes.slice(n * 256, n * 256 + 256)))
    }
  })

  it('gives the same from a follower, and smaller partial tiles for who saw a smaller checkpoint', async () => {
    const [one] = helpers as [LocalNode]
    for (const path of ['tile/0/000', 'tile/1/000.p/1', 'tile/entries/001.p/44'])
      assert.deepEqual(await bytes(path, one), await bytes(path))
    const full = await bytes('tile/0/000')
    assert.deepEqual(await bytes('tile/0/000.p/7'), full.subarray(0, 7 * 32))
  })

  it('compresses bundles for who can read it', async () => {
    const response = await fetch(`${home.apiUrl}/tlog/${society}/tile/entries/000`, {
      headers: { 'accept-encoding': 'gzip' },
    })
    assert.equal(response.headers.get('content-encoding'), 'gzip')
    assert.equal(response.headers.get('vary'), 'accept-encoding')
    // fetch has undone it.
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), await bytes('tile/entries/000'))
  })

  it('404 for all that is not below the checkpoint, or no name', async () => {
    const missing = [
      'tile/0/001',
      'tile/0/001.p/45',
      'tile/0/002.p/1',
      'tile/1/000',
      'tile/1/000.p/2',
      'tile/2/000.p/1',
      'tile/63/000.p/1',
      'tile/entries/001',
      'tile/entries/001.p/45',
      'tile/entries/x999/x999/x999/x999/999',
      'tile/0/0',
      'tile/0/000.p/256',
      'tile/0/000.p/0',
      'tile/0/..%2f000',
      'tile/',
      'nothing',
    ]
    for (const path of missing) {
      const response = await get(path)
      assert.equal(response.status, 404, path)
      assert.notEqual(response.headers.get('cache-control'), 'public, max-age=31536000, immutable')
    }
    for (const other of [`home-${'a'.repeat(26)}`, 'x', '..']) {
      assert.equal((await fetch(`${home.apiUrl}/tlog/${other}/checkpoint`)).status, 404)
      assert.equal((await fetch(`${home.apiUrl}/tlog/${other}/tile/0/000`)).status, 404)
    }
  })

  it('makes a tlog-proof of a final record that holds by the letter, and is the one that its bundle contains', async () => {
    const client = createClient({ url: home.apiUrl })
    const [entry] = await home.log().replica.entries(123, 1)
    assert.ok(entry)
    const { id } = (await home.running.service.record(await recordId(home, 123))) as { id: string }
    const text = await client.tlogProof({ id })
    const proof = letterProof(text)
    assert.deepEqual([proof.index, proof.note.size], [123, ENTRIES])
    assert.deepEqual(proof.entry, Buffer.from(entry))
    assert.equal(letterSigned(proof.note, letterKey(await (await get('vkey')).text())), true)

    const bundle = JSON.parse(Buffer.from(await client.proof({ id })).toString()) as Parameters<typeof tlogProofOf>[0]
    const derived = tlogProofOf(bundle)
    assert.ok(derived.ok)
    assert.equal(formatTlogProof(derived.value), text)
    // The charter's bundle has no entry beside it.
    const charter = JSON.parse(Buffer.from(await client.proof({ id: await recordId(home, 0) })).toString())
    const first = tlogProofOf(charter)
    assert.ok(first.ok)
    assert.equal(letterProof(formatTlogProof(first.value)).index, 0)
  })

  it('verifies tlog-proofs itself: each thing wrong gets its code', async () => {
    const text = await createClient({ url: home.apiUrl }).tlogProof({ id: await recordId(home, 200) })
    const parsed = parseTlogProof(text)
    assert.ok(parsed.ok)
    const leaf = leafHash(parsed.value.extra ?? new Uint8Array(0), sha256)
    const log = parseVerifierKey((await (await get('vkey')).text()).trimEnd(), sha256)
    assert.ok(log)
    const witnesses = helpers.map(({ keys: { witness } }) =>
      verifierKey(`web4/witness/${witness.key}`, TYPE_COSIGNATURE, witness.raw, sha256),
    )
    const policy = { origin: `web4/${society}`, log, witnesses, quorum: 2 }
    const check = { verify: verifySync, sha256 }
    const code = (proof: typeof parsed.value, of = leaf, by: Parameters<typeof verifyTlogProof>[2] = policy) => {
      const result = verifyTlogProof(proof, of, by, check)
      return result.ok ? result.value.length : result.error.code
    }
    assert.equal(code(parsed.value), 2)
    assert.equal(code(parsed.value, leaf, { ...policy, origin: 'web4/other' }), 'NOTE_ORIGIN')
    assert.equal(code(parsed.value, leaf, { ...policy, log: { ...log, key: new Uint8Array(32) } }), 'NOTE_SIGNATURE')
    assert.equal(code(parsed.value, leaf, { ...policy, quorum: 3 }), 'TLOG_QUORUM')
    assert.equal(
      code(parsed.value, leaf, { ...policy, witnesses: [witnesses[0] ?? log, witnesses[0] ?? log] }),
      'TLOG_QUORUM',
    )
    assert.equal(code(parsed.value, leafHash(new Uint8Array(1), sha256)), 'PROOF_INVALID')
    assert.equal(code({ ...parsed.value, index: 201 }), 'PROOF_INVALID')
    assert.equal(code({ ...parsed.value, path: parsed.value.path.slice(1) }), 'PROOF_INVALID')
    const unknown = await fetch(`${home.apiUrl}/v1/records/${'A'.repeat(43)}/tlog-proof`)
    assert.equal(((await unknown.json()) as { code: string }).code, 'NOT_FOUND')
  })

  it('shows its log to the public witness of another node, and shows what that signed', async () => {
    const vkey = (await (await get('vkey')).text()).trimEnd()
    const clock = home.setup.clock
    const logs = join(dir, 'logs.json')
    await writeFile(logs, JSON.stringify([{ origin: `web4/${society}`, key: vkey }]))
    const elsewhere = join(dir, 'elsewhere')
    const config = {
      dir: elsewhere,
      tlog_witness: logs,
      tlog_witness_name: 'witness.example/w',
      passphrase: 'correct horse',
    }
    const other = await LocalNode.start({ slug: 'elsewhere', clock, config, api: true })
    helpers.push(other)
    const url = `${other.apiUrl}/tlog-witness`
    const key = (await (await fetch(`${url}/vkey`)).text()).trimEnd()
    assert.ok(key.startsWith('witness.example/w+'))
    const list = join(dir, 'witnesses.json')
    await writeFile(list, JSON.stringify([{ key, url: `${url}/` }]))

    const content = await contentOf(home.store)
    await home.stop()
    home = await LocalNode.start({ ...home.setup, content, config: { ...home.setup.config, public_witnesses: list } })
    const view = async () => (await createClient({ url: home.apiUrl }).society({ id: society })).public_witnesses
    let shown = await view()
    assert.deepEqual(
      shown?.map(({ name }) => name),
      ['witness.example/w'],
    )
    await until('it has signed', () => {
      void view().then(found => {
        shown = found
      })
      return shown?.[0]?.size === ENTRIES
    })
    assert.deepEqual(
      shown?.map(({ name, size, url: at, problem }) => [name, size, at, problem]),
      [['witness.example/w', ENTRIES, url, undefined]],
    )
    const note = letterNote(await (await get('checkpoint')).text())
    assert.equal(letterSigned(note, letterKey(key)), (shown?.[0]?.time ?? 0) / 1_000)
    // It stands in proofs as well, and everything else is as it was.
    const proof = letterProof(await createClient({ url: home.apiUrl }).tlogProof({ id: await recordId(home, 5) }))
    assert.equal(letterSigned(proof.note, letterKey(key)), (shown?.[0]?.time ?? 0) / 1_000)
    const bundle = Buffer.from(
      await createClient({ url: home.apiUrl }).proof({ id: await recordId(home, 5) }),
    ).toString()
    assert.ok(!bundle.includes('witness.example'))
    for (const node of helpers) assert.deepEqual(node.faults, [])
    assert.deepEqual(home.faults, [])
  })
})

async function recordId(node: LocalNode, seq: number): Promise<string> {
  const range = { gte: 'record/', lt: 'record0' }
  for await (const [key, value] of node.store.range(range))
    if (Buffer.from(value).toString() === String(seq) && key.includes(node.society))
      return key.slice(key.lastIndexOf('/') + 1)
  throw new Error(`no record at ${seq}`)
}
