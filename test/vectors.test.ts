import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { verifySync } from '../node/crypto/sodium.ts'
import { toBase64url } from '../src/encoding.ts'
import type { VerifySync } from '../src/log/note.ts'
import { verifyPortable } from '../src/noble-verify.ts'
import { ATTESTATION_TYPES, type AttestBody } from '../src/records/attest.ts'
import { RECORD_KINDS } from '../src/records/registry.ts'
import { codes } from '../src/rejection.ts'
import { randomLog } from './support/random-log.ts'
import { loadVectors, unreadVectors, type Vector, vectorPaths } from './support/vector-files.ts'
import { type DecayVector, runDecay } from './vector-families/decay.ts'
import {
  type CanonicalVector,
  type DigestVector,
  type GroupVector,
  type NameVector,
  runCanonical,
  runDigest,
  runGroup,
  runName,
  runSnapshot,
  type SnapshotVector,
} from './vector-families/forms.ts'
import {
  Before,
  type BundleVector,
  type ForkVector,
  type LogVector,
  type RecordVector,
  runBundle,
  runEnvelope,
  runFork,
  runLog,
  runRecord,
  runSignature,
  type SignatureVector,
} from './vector-families/signed.ts'

/** Read by a test of their own. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'c2sp/keys.json': 'log/c2sp/vectors.test.ts',
  'c2sp/merkle-consistency.json': 'log/c2sp/vectors.test.ts',
  'c2sp/merkle-inclusion.json': 'log/c2sp/vectors.test.ts',
  'c2sp/notes.json': 'log/c2sp/vectors.test.ts',
  'c2sp/ours.json': 'log/c2sp/ours.test.ts',
  'c2sp/tile-paths.json': 'log/c2sp/vectors.test.ts',
  'c2sp/tlog-proofs.json': 'log/c2sp/vectors.test.ts',
  'c2sp/witness-sessions.json': 'node/c2sp-witness.test.ts',
  'ed25519/speccheck.json': 'crypto/vectors.test.ts',
  'ed25519/wycheproof-ed25519.json': 'crypto/vectors.test.ts',
}
/** Both implementations of the signature rule that this package has: on the node and in the browser. */
const backends: Readonly<Record<string, VerifySync>> = { libsodium: verifySync, portable: verifyPortable }
const SECONDS_MS = 1_000
/** The portable verifier takes a millisecond and more a signature. */
const TIMEOUT_MS = 120 * SECONDS_MS

const paths = vectorPaths()
const inFolder = (folder: string) => paths.filter(path => path.startsWith(folder) && path.endsWith('.json'))
const recordPaths = inFolder('records/').filter(path => path !== 'records/envelope.json')

function check<T extends Vector>(path: string, run: (vector: T) => void, on = ''): void {
  it(`${path}${on}`, () => {
    for (const vector of loadVectors<T>(path)) run(vector)
  })
}

describe('test vectors', function () {
  this.timeout(TIMEOUT_MS)

  check<CanonicalVector>('canonical.json', runCanonical)
  check<NameVector>('names.json', runName)
  check<GroupVector>('groups.json', runGroup)
  check<DecayVector>('decay.json', runDecay)
  check<DigestVector>('digests.json', runDigest)
  check<SnapshotVector>('snapshots.json', runSnapshot)
  check<SignatureVector>('records/envelope.json', runEnvelope)

  for (const [backend, verify] of Object.entries(backends)) {
    const on = ` on ${backend}`
    check<SignatureVector>('signatures.json', vector => runSignature(vector, verify), on)
    check<BundleVector>('bundles.json', vector => runBundle(vector, verify), on)
    check<ForkVector>('forks.json', vector => runFork(vector, verify), on)
    for (const path of inFolder('logs/')) check<LogVector>(path, vector => runLog(vector, verify), on)
    const before = new Before(verify)
    for (const path of recordPaths) check<RecordVector>(path, vector => runRecord(vector, before), on)
  }

  it('has valid and invalid records of every kind, and attestations of every type', () => {
    assert.deepEqual(recordPaths, RECORD_KINDS.map(kind => `records/${kind}.json`).sort())
    for (const path of recordPaths) {
      const cases = loadVectors<RecordVector>(path)
      assert.ok(cases.some(({ code }) => code === undefined) && cases.some(({ code }) => code !== undefined), path)
    }
    const good = loadVectors<RecordVector>('records/attest.json').filter(({ code }) => code === undefined)
    const types = new Set(
      good.map(({ entry }) => (JSON.parse(entry) as { record: { body: AttestBody } }).record.body.type),
    )
    assert.deepEqual([...types].sort(), [...ATTESTATION_TYPES].sort())
  })

  it('names only codes that exist', () => {
    const used = paths.filter(path => path.endsWith('.json') && !(path in ELSEWHERE)).flatMap(path => loadVectors(path))
    for (const { code, id } of used) assert.ok(code === undefined || Object.hasOwn(codes, code), `${id}: ${code}`)
  })

  it('describes every folder', () => {
    for (const folder of new Set(paths.map(path => path.slice(0, path.lastIndexOf('/') + 1)))) {
      assert.ok(paths.includes(`${folder}README.md`) || paths.includes(`${folder}NOTICE.md`), folder)
    }
  })

  it('is what `npm run vectors` makes', () => {
    const script = fileURLToPath(new URL('../scripts/vectors.ts', import.meta.url))
    const made = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', script], { encoding: 'utf8' })
    assert.equal(made.status, 0, made.stdout + made.stderr)
  })

  it('has no file that nobody reads', () => {
    for (const [path, test] of Object.entries(ELSEWHERE)) {
      const source = readFileSync(new URL(test, import.meta.url), 'utf8')
      assert.ok(source.includes(path.slice(path.lastIndexOf('/') + 1)), `${test} does not read ${path}`)
    }
    assert.deepEqual(
      unreadVectors().filter(path => !(path in ELSEWHERE)),
      [],
    )
  })
})

describe('a random log of 2 000 entries', function () {
  this.timeout(TIMEOUT_MS)

  it('comes to the frozen hashes', () => {
    const { accumulated, kinds, refused, replay, root } = randomLog(20_251_009, 2_000)
    assert.deepEqual(Object.keys(kinds).sort(), [...RECORD_KINDS].sort(), 'every kind is in it')
    assert.ok(Object.keys(refused).length >= 5, 'and several are refused')
    const found = { accumulated, digest: replay.digest(), root }
    const texts = Object.fromEntries(Object.entries(found).map(([name, hash]) => [name, toBase64url(hash)]))
    assert.deepEqual(texts, {
      accumulated: 'aZOHWRZr9hway6pTZ8Ckw8sg_fjFSw8w6VUd6ET9DC4',
      digest: 'g2QgrbB3Yyq-SHm7aZ0kBLiajAbU5K5FBUxjD-n0Z_Y',
      root: 'tBQ4696JCKjM0Iqv-89JSyXLF32QCgKw_nkK5i3zjCo',
    })
  })
})
