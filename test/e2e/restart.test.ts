import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Prng } from '../../sim/prng.ts'
import { conserved, converged } from '../../sim/real/checks.ts'
import { until as untilAsync } from '../../sim/real/until.ts'
import type { JsonObject } from '../../src/canonical.ts'
import { web4 } from '../support/real-command.ts'
import { idOf, RealLoad } from '../support/real-load.ts'
import { never, RealNodes, type RealSociety } from '../support/real-nodes.ts'
import { until } from '../support/until.ts'

const NODES = 5
const VICTIM = 2
const LIMIT_MS = 120_000

describe('five real nodes, one of them killed in the middle of the load', function () {
  this.timeout(300_000)
  let real: RealNodes
  let load: RealLoad | undefined
  let victim: RealSociety
  let others: RealSociety[]

  before(async () => {
    real = await RealNodes.start(NODES)
    await real.found(2, new Prng(11))
    victim = real.societies[VICTIM] as RealSociety
    others = real.societies.filter(society => society !== victim)
  })
  after(async () => {
    await load?.stop()
    await real?.stop()
  })

  /** Until so many more records of each of these logs are acknowledged. */
  async function more(of: RealLoad, logs: readonly RealSociety[], count: number): Promise<void> {
    const wanted = logs.map(society => ({ society, count: of.count(society) + count }))
    const came = () => wanted.every(({ society, count }) => of.count(society) >= count)
    await until('acknowledged records', came, LIMIT_MS)
  }

  /** A log as a node tells it: `{seq, time, record, sigs}` each, in order. */
  async function read(at: RealSociety, of: RealSociety): Promise<{ text: string; ids: string[] }> {
    const pages: string[] = []
    const ids: string[] = []
    for (;;) {
      const bytes = await at.node.client.entries({ society: of.id, from: ids.length, limit: 1000 })
      const text = new TextDecoder().decode(bytes as Uint8Array)
      const page = JSON.parse(text) as { seq: number; record: JsonObject }[]
      if (page.length === 0) return { text: pages.join('\n'), ids }
      for (const { seq, record } of page) assert.equal(ids.push(idOf(record)) - 1, seq)
      pages.push(text)
    }
  }

  it('lose nothing that was acknowledged, fork nothing, and agree in the end', async () => {
    load = new RealLoad(real)
    load.start()
    await more(load, real.societies, 10)

    await real.kill(VICTIM)
    await more(load, others, 10)
    // The others do not need the one that is away: q = 3 of 4.
    const [first] = others as [RealSociety]
    const { size } = await first.node.client.society({ id: first.id })
    const isFinal = async () => (await first.node.client.society({ id: first.id })).final >= size
    await untilAsync('finality without the one that is away', never, isFinal)
    assert.equal(
      await victim.node.client.healthz().catch(error => (error as { code: string }).code),
      'NODE_UNREACHABLE',
    )

    await real.restart(VICTIM)
    await more(load, real.societies, 10)
    await load.stop()
    await real.final()

    assert.ok(await converged(real.societies, never))
    for (const { node } of real.societies) {
      for (const { society, frozen, state } of await node.client.societies())
        assert.deepEqual({ society, frozen, state }, { society, frozen: false, state: 'running' })
    }
    for (const society of real.societies) {
      const copies = await Promise.all(real.societies.map(at => read(at, society)))
      assert.equal(new Set(copies.map(({ text }) => text)).size, 1, `copies of ${society.id}`)
      const { ids } = copies[0] as { ids: string[] }
      for (const { id, seq } of load.acknowledged.filter(each => each.society === society.id))
        assert.equal(ids.indexOf(id), seq, `acknowledged ${id} of ${society.id}`)
    }
    assert.equal((await conserved(real.societies, real.members, never)).ok, true)
  })

  describe('a certificate, fetched and kept in a file', () => {
    let file: string
    let bytes: Uint8Array

    before(async () => {
      const { lct } = real.members[0] as { lct: string }
      const response = await fetch(`${victim.node.url}/v1/lcts/${encodeURIComponent(lct)}/certificate`)
      assert.equal(response.status, 200)
      bytes = new Uint8Array(await response.arrayBuffer())
      file = join(real.dir, 'certificate.json')
      await writeFile(file, bytes)
    })

    for (const options of [[], ['--portable']]) {
      it(`verifies offline ${options.join(' ')}`, async () => {
        const { code, stdout, stderr } = await web4('verify', file, ...options)
        assert.equal(code, 0, stderr)
        assert.match(stdout, /^birth [\w-]{43}$/m)
        assert.match(stdout, /^final by 3 of 4 witnesses named by the society; known to you: 0$/m)
      })
    }

    it('says how many of its witnesses the reader knows', async () => {
      const { witnesses } = await first().node.client.society({ id: first().id })
      const accept = witnesses.flatMap(({ key }) => ['--accept', key])
      const { code, stdout } = await web4('verify', file, '--society', first().id, ...accept)
      assert.equal(code, 0)
      assert.match(stdout, /known to you: 3$/m)
    })

    it('fails with a code when one byte is another', async () => {
      const changed = bytes.slice()
      const at = Buffer.from(bytes).indexOf('"rights":["') + '"rights":["'.length
      changed[at] = (changed[at] ?? 0) ^ 1
      const other = join(real.dir, 'changed.json')
      await writeFile(other, changed)
      for (const options of [[], ['--portable']]) {
        const { code, stdout, stderr } = await web4('verify', other, '--json', ...options)
        assert.equal(code, 1)
        assert.equal((JSON.parse(stdout) as { error: { code: string } }).error.code, 'SIGNATURE_INVALID')
        assert.match(stderr, /^web4: SIGNATURE_INVALID: .+\n {2}.+\n$/)
      }
    })

    /** The society of the first member. */
    const first = () => real.societies[0] as RealSociety
  })
})
