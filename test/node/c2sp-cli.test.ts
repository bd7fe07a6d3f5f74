import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { createApiServer } from '../../node/api/server.ts'
import { runCli } from '../../node/cli/program.ts'
import { nullLogger } from '../../node/observe/logger.ts'
import { utf8Encode } from '../../src/canonical.ts'
import { ok } from '../../src/result.ts'
import { letterProof } from '../support/tlog-by-the-letter.ts'
import { loadVectors, type Vector } from '../support/vector-files.ts'
import { fakeService, HASH, LCT } from './support/fake-service.ts'

interface ProofVector extends Vector {
  readonly proof: string
  readonly index: number
  readonly entry: string
  readonly log: string
  readonly cosigners: readonly string[]
}

describe('commands for tlog-proofs', () => {
  const vectors = loadVectors<ProofVector>('c2sp/ours.json').filter(({ tags }) => tags.includes('tlog-proof'))
  const [, vector] = vectors as [ProofVector, ProofVector]
  let dir: string

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'web4-tlog-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))

  async function web4(...argv: string[]) {
    let stdout = ''
    let stderr = ''
    const code = await runCli(argv, {
      env: { WEB4_DIR: dir },
      stdout: piece => {
        stdout += Buffer.from(piece).toString()
      },
      stderr: text => {
        stderr += text
      },
      terminal: { stdin: new PassThrough(), stderr: new Writable() },
      now: Date.now,
      ended: () => Promise.resolve(),
    })
    return { code, stdout, stderr }
  }
  async function verify(text: string, ...more: string[]) {
    const file = join(dir, 'x.tlog-proof')
    await writeFile(file, text)
    return web4('verify-tlog', file, '--json', ...more)
  }
  const refused = ({ code, stderr, stdout }: Awaited<ReturnType<typeof web4>>) => [
    code,
    /"code":\s*"([A-Z_]+)"/.exec(stdout + stderr)?.[1],
  ]

  it('verify-tlog finds every proof of ours good, by the keys that are named', async () => {
    for (const { cosigners, entry, index, log, proof } of vectors) {
      const witnesses = cosigners.flatMap(vkey => ['--witness-key', vkey])
      const end = await verify(proof, '--log-key', log, ...witnesses)
      assert.equal(end.code, 0, end.stderr)
      const facts = JSON.parse(end.stdout) as { index: number; entry: string; signed: string[]; valid: boolean }
      assert.deepEqual([facts.valid, facts.index, facts.entry, facts.signed], [true, index, entry, cosigners])
    }
  })

  it('verify-tlog refuses with the code of what is wrong', async () => {
    const { log, proof } = vector
    const [first] = vectors as [ProofVector]
    const stranger =
      loadVectors<Vector & { vkey: string }>('c2sp/keys.json').find(({ id }) => id === 'remora')?.vkey ?? ''
    const lines = proof.split('\n')
    const swapped = [lines[0], first.proof.split('\n')[1], ...lines.slice(2)].join('\n')
    assert.deepEqual(refused(await verify('hello', '--log-key', log)), [1, 'TLOG_FORMAT'])
    assert.deepEqual(refused(await verify([lines[0], ...lines.slice(2)].join('\n'), '--log-key', log)), [
      1,
      'TLOG_FORMAT',
    ])
    assert.deepEqual(refused(await verify(swapped, '--log-key', log)), [1, 'PROOF_INVALID'])
    assert.deepEqual(refused(await verify(proof, '--log-key', stranger)), [1, 'NOTE_ORIGIN'])
    assert.deepEqual(refused(await verify(proof, '--log-key', log, '--witness-key', stranger)), [1, 'TLOG_QUORUM'])
    assert.deepEqual(refused(await verify(proof, '--log-key', 'x')), [2, 'BAD_REQUEST'])
    assert.equal((await verify(proof, '--log-key', log, '--witness-key', stranger, '--quorum', '0')).code, 0)
  })

  it('proof --tlog-proof writes what the node made, and for an LCT what its bundle contains', async () => {
    const bundles = loadVectors<Vector & { readonly bundle: string }>('bundles.json')
    const bundle = bundles.find(({ id }) => id === 'certificate')?.bundle ?? ''
    const service = fakeService({
      tlogProof: async () => ok(vector.proof),
      certificate: async () => ok(utf8Encode(bundle)),
    })
    const server = createApiServer(
      { host: '127.0.0.1', port: 0 },
      { service, token: '', logger: nullLogger, version: '0' },
    )
    const { url } = await server.start()
    try {
      assert.equal((await web4('proof', HASH, '--tlog-proof', '--url', url)).stdout, vector.proof)
      const born = letterProof((await web4('proof', LCT, '--tlog-proof', '--url', url)).stdout)
      assert.equal((JSON.parse(born.entry.toString()) as { record: { kind: string } }).record.kind, 'birth')
    } finally {
      await server.stop()
    }
  })
})
