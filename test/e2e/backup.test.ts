import assert from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { signRecord, submissionOf } from '../../node/api/sign.ts'
import { Prng } from '../../sim/prng.ts'
import { conserved, converged } from '../../sim/real/checks.ts'
import type { Member } from '../../sim/real/found.ts'
import { until } from '../../sim/real/until.ts'
import type { JsonObject } from '../../src/canonical.ts'
import { CodedError } from '../../src/rejection.ts'
import { changedSoftware } from '../support/other-software.ts'
import { web4 } from '../support/real-command.ts'
import { idOf } from '../support/real-load.ts'
import { never, RealNodes, type RealSociety } from '../support/real-nodes.ts'

const VICTIM = 1
const LIMIT_MS = 60_000

/** Taken out, nothing is asked after a start. */
const CHECK = 'if (starting !== undefined) return starting'

describe('a data folder restored from a backup', function () {
  this.timeout(300_000)
  let real: RealNodes
  let victim: RealSociety
  let backup: string
  /** Entries of the victim's log in the backup. */
  let size: number
  const acknowledged: { readonly id: string; readonly seq: number }[] = []

  before(async () => {
    real = await RealNodes.start(4, ['--status-ms', '500'])
    await real.found(2, new Prng(5))
    victim = real.societies[VICTIM] as RealSociety
    size = (await viewOf(victim)).size
    backup = join(real.dir, 'backup')
    await victim.node.stop()
    await cp(real.folder(VICTIM), backup, { recursive: true })
    await real.restart(VICTIM)
    await until('ready again', never, isReady, LIMIT_MS)
  })
  after(async () => {
    await real?.stop()
  })

  const viewOf = (at: RealSociety) => at.node.client.society({ id: victim.id })
  const isReady = async () => (await readiness()).status === 200

  async function readiness(): Promise<{ readonly status: number; readonly reasons: readonly string[] }> {
    const response = await fetch(`${victim.node.url}/readyz`)
    return { status: response.status, ...((await response.json()) as { reasons: string[] }) }
  }

  /** One payment in the victim's log, by its own node: `ok` and remembered, or the code of the refusal. */
  async function pay(amount: number): Promise<string> {
    const [payer, payee] = real.members.filter(({ society }) => society.id === victim.id) as [Member, Member]
    const { n } = await victim.node.client.lane({ society: victim.id, author: payer.lct, lane: 0 })
    const draft: JsonObject = {
      author: payer.lct,
      body: { amount, from: payer.lct, to: payee.lct },
      kind: 'atp.transfer',
      lane: 0,
      n,
      society: victim.id,
      time: Date.now(),
      v: 1,
    }
    const signed = await signRecord(draft, payer.signer)
    try {
      const { seq } = await victim.node.client.submit({ body: submissionOf(signed) })
      acknowledged.push({ id: idOf(signed.record), seq: seq ?? -1 })
      return 'ok'
    } catch (error) {
      if (error instanceof CodedError) return error.code
      throw error
    }
  }

  /** The node ends, its folder is what it was then, and it begins again: alone, so that nobody tells it anything. */
  async function restore(main?: string): Promise<void> {
    await victim.node.stop()
    await rm(real.folder(VICTIM), { recursive: true })
    await cp(backup, real.folder(VICTIM), { recursive: true })
    await real.restart(VICTIM, { alone: true, ...(main === undefined ? {} : { main }) })
  }

  async function meetOthers(): Promise<void> {
    for (const { node } of real.societies.filter(society => society !== victim))
      await victim.node.client.connect({ body: { address: node.addresses[0] ?? '' } })
  }

  it('does not fork: it says what is missing, fetches it back from the others, and goes on', async () => {
    for (let index = 0; index < 20; index++) assert.equal(await pay(1 + index), 'ok')
    await real.final()
    const before = [...acknowledged]

    await restore()
    assert.equal(await pay(500), 'STARTING')
    const { status, reasons } = await readiness()
    assert.deepEqual({ status, reasons }, { status: 503, reasons: ['STARTING: 0 of 3 witnesses heard, 3 needed'] })
    const waiting = await viewOf(victim)
    assert.deepEqual([waiting.size, waiting.state], [size, 'starting'])
    const { stdout } = await web4('status', '--dir', real.folder(VICTIM))
    assert.match(
      stdout,
      /\(own\): starting, .+\n {10}appends nothing yet: 0 of 3 heard, 3 needed\n( {10}z6Mk\w+ not heard\n?){3}/,
    )

    const other = await web4('override', victim.id, '--size', `${size + 20}`, '--dir', real.folder(VICTIM))
    assert.equal(other.code, 1)
    assert.match(other.stderr, new RegExp(`^web4: OVERRIDE_SIZE: said: ${size + 20}; here are ${size} entries$`, 'm'))

    await meetOthers()
    await until('ready again', never, isReady, LIMIT_MS)
    // Between the first answer and the last entry, however short that was.
    assert.match(
      victim.node.log,
      new RegExp(`"code":"STARTING","detail":"peers hold ${size + 20} entries, here are ${size}"`),
    )
    assert.equal((await viewOf(victim)).size, size + 20)

    assert.equal(await pay(600), 'ok')
    await real.final()
    assert.ok(await converged(real.societies, never))
    for (const { node } of real.societies)
      for (const view of await node.client.societies()) assert.equal(view.state, 'running')
    for (const { id, seq } of before) assert.equal((await victim.node.client.record({ id })).seq, seq)
    assert.equal((await conserved(real.societies, real.members, never)).ok, true)
  })

  it('forks when the check is taken out', async () => {
    const changed = await changedSoftware('src/driver/own-log.ts', CHECK, '')
    try {
      await restore(changed.main)
      assert.equal(await pay(700), 'ok')
      assert.equal((await viewOf(victim)).size, size + 1)
      await meetOthers()
      const others = real.societies.filter(society => society !== victim)
      const isProved = async () => (await Promise.all(others.map(viewOf))).every(({ state }) => state === 'frozen')
      await until('the proof everywhere', never, isProved, LIMIT_MS)
    } finally {
      await victim.node.stop()
      await rm(changed.dir, { recursive: true })
    }
  })
})
