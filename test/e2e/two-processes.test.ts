import assert from 'node:assert/strict'
import { cp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Prng } from '../../sim/prng.ts'
import { converged } from '../../sim/real/checks.ts'
import { NodeProcess } from '../../sim/real/node-process.ts'
import { until } from '../../sim/real/until.ts'
import { CodedError } from '../../src/rejection.ts'
import { MAIN, web4 } from '../support/real-command.ts'
import { never, RealNodes, type RealSociety } from '../support/real-nodes.ts'

const VICTIM = 1
const LIMIT_MS = 60_000
const HEARD = 'STARTING: 3 witnesses hear another process with the keys of this node'

describe('two processes with one key', function () {
  this.timeout(300_000)
  let real: RealNodes
  let victim: RealSociety
  let second: NodeProcess | undefined

  before(async () => {
    real = await RealNodes.start(4, ['--status-ms', '500'])
    await real.found(1, new Prng(6))
    victim = real.societies[VICTIM] as RealSociety
  })
  after(async () => {
    await second?.stop()
    await real?.stop()
  })

  async function reasonsOf(node: NodeProcess): Promise<readonly string[]> {
    const response = await fetch(`${node.url}/readyz`)
    return ((await response.json()) as { reasons: string[] }).reasons
  }
  const says = (node: NodeProcess, reason: string) => async () => (await reasonsOf(node))[0] === reason
  const isReady = (node: NodeProcess) => async () => (await reasonsOf(node)).length === 0

  /** `ok`, or the code of the refusal. */
  async function mint(at: NodeProcess, amount: number): Promise<string> {
    const evidence = Buffer.alloc(32).toString('base64url')
    try {
      await at.client.issue({ body: { kind: 'atp.mint', body: { amount, evidence } } })
      return 'ok'
    } catch (error) {
      if (error instanceof CodedError) return error.code
      throw error
    }
  }

  it('STORE_LOCKED: on the folder of a node that runs', async () => {
    const dir = real.folder(VICTIM)
    const file = join(real.dir, 'passphrase')
    await writeFile(file, real.passphrase, { mode: 0o600 })
    const { code, stderr, stdout } = await web4('start', '--dir', dir, '--passphrase-file', file, '--json')
    assert.equal(code, 1)
    assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'STORE_LOCKED')
    const lines = stderr.trimEnd().split('\n').slice(-2)
    assert.deepEqual(lines, [
      `web4: STORE_LOCKED: another process has the store at ${join(dir, 'db')} open`,
      '  Another node runs on this data folder: stop it, or give another --dir.',
    ])
    // The one that runs is not disturbed.
    assert.equal((await web4('status', '--dir', dir)).code, 0)
  })

  it('KEY_IN_USE: a copied folder runs beside the first one, and never signs anything', async () => {
    const dir = join(real.dir, 'copy')
    await victim.node.stop()
    await cp(real.folder(VICTIM), dir, { recursive: true })
    await real.restart(VICTIM)
    await until('the first one is ready', never, isReady(victim.node), LIMIT_MS)

    const others = real.nodes.filter((_, index) => index !== VICTIM)
    const start = async () => {
      second = await NodeProcess.start({
        name: 'copy',
        dir,
        main: MAIN,
        passphrase: real.passphrase,
        args: ['--consent', 'all', '--verify-workers', '1', '--status-ms', '500'],
        peers: others.flatMap(({ addresses }) => addresses.slice(0, 1)),
      })
      return second
    }
    const copy = await start()
    await until('witnesses tell it', never, says(copy, HEARD), LIMIT_MS)
    assert.equal(await mint(copy, 1), 'STARTING')

    assert.equal(await mint(victim.node, 2), 'ok')
    await until('it sees that another process writes', never, says(copy, 'KEY_IN_USE'), LIMIT_MS)
    assert.equal(await mint(copy, 3), 'KEY_IN_USE')
    assert.equal((await copy.client.society({ id: victim.id })).state, 'key-in-use')
    assert.match(
      (await web4('status', '--dir', dir)).stdout,
      /another process signs with its key: nothing is signed here/,
    )
    assert.match(copy.log, /"code":"KEY_IN_USE"/)
    await real.final()

    // One of them is enough: after the first one ended, the second begins anew and goes on.
    await victim.node.stop()
    assert.equal(await mint(copy, 4), 'KEY_IN_USE')
    await copy.stop()
    victim.node = await start()
    await until('the second one is ready', never, isReady(victim.node), LIMIT_MS)
    assert.equal(await mint(victim.node, 5), 'ok')
    await real.final()
    assert.ok(await converged(real.societies, never))
    for (const { node } of real.societies)
      for (const { state } of await node.client.societies()) assert.equal(state, 'running')
  })
})
