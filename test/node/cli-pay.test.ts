import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../../node/crypto/sodium.ts'
import { createKeyFile } from '../../node/keys/keystore.ts'
import type { NodeService, RecordView } from '../../node/service.ts'
import { toBase64url } from '../../src/encoding.ts'
import { openSubmission } from '../../src/ingest/open.ts'
import { type Code, rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'
import { CliScene } from './support/cli.ts'
import { fakeService, LCT, OTHER, SOCIETY, society } from './support/fake-service.ts'

/** The cheapest that a key file may have: these tests are not about its cost. */
const KDF = { opslimit: 1, memlimit: 8192 }

/** A log that takes each record once, or does with the next one what the test says. */
class Log {
  readonly sent: string[] = []
  readonly taken: string[] = []
  /** One for each submission to come: a refusal, or `lost`: taken, but the answer does not arrive. */
  readonly next: (Code | 'lost')[] = []
  clock = Date.now()

  service(): Partial<NodeService> {
    const view = (id: string): RecordView => {
      const seq = this.taken.indexOf(id)
      if (seq < 0) return { id, status: 'unknown' }
      return { id, status: 'final', society: SOCIETY, seq, final_for_us: true }
    }
    return {
      status: () => ({ ...fakeService().status(), clock: this.clock }),
      society: () => ({ ...society, size: 3, final: 3 }),
      societies: () => [society],
      record: async id => view(id),
      nextN: async () => ok(this.taken.length + 1),
      submit: async bytes => {
        const opened = openSubmission(bytes, sha256)
        assert.ok(opened.ok)
        const id = toBase64url(sha256(opened.value.recordBytes))
        this.sent.push(id)
        const fate = this.next.shift()
        if (fate !== undefined && fate !== 'lost') return fail(rejection(fate))
        if (!this.taken.includes(id)) this.taken.push(id)
        return fate === 'lost' ? fail(rejection('STORE_CLOSED')) : ok(view(id))
      },
    }
  }
}

describe('web4 pay', function () {
  this.timeout(20_000)
  let scene: CliScene
  let log: Log
  beforeEach(async () => {
    scene = await CliScene.open()
    log = new Log()
    await scene.serve(log.service())
    await mkdir(join(scene.dir, 'keys'), { recursive: true })
    await createKeyFile(join(scene.dir, 'keys', 'ada.key'), 'member', 'correct horse', { kdf: KDF })
    await writeFile(join(scene.dir, 'keys', 'ada.lct'), `${LCT}\n`)
  })
  afterEach(() => scene.close())

  const pay = (...more: string[]) => scene.json('pay', '5', '--to', OTHER, '--key', 'ada', ...more)
  const refused = (code: string, ...more: string[]) =>
    scene.refused(code, 'pay', '5', '--to', OTHER, '--key', 'ada', ...more)
  const payments = async () => (await readdir(join(scene.dir, 'payments'))).sort()

  it('pays, and pays again when asked again', async () => {
    const first = await pay()
    const second = await pay()
    assert.deepEqual([first.record, second.record], log.taken)
    assert.notEqual(first.record, second.record)
    assert.deepEqual(await payments(), [`done-${first.record}.json`, `done-${second.record}.json`].sort())
    const steps = first.steps as { step: string }[]
    assert.deepEqual(
      steps.map(({ step }) => step),
      ['transfer'],
    )
  })

  it('pays once under one id', async () => {
    const first = await pay('--id', 'rent-5')
    const again = await pay('--id', 'rent-5')
    assert.deepEqual([again.payment, again.record], ['paid before', first.record])
    assert.equal(log.sent.length, 1)
  })

  it('sends the same record again after a break, whether it had arrived or not', async () => {
    log.next.push('lost', 'OVERLOADED')
    await refused('STORE_CLOSED')
    // The log has it already: this run must find that out by sending nothing new.
    await refused('OVERLOADED')
    await pay()
    assert.equal(log.sent.length, 3)
    assert.equal(new Set(log.sent).size, 1)
    assert.equal(log.taken.length, 1)
    await pay()
    assert.equal(log.taken.length, 2)
  })

  it('has the signed record on the disk before it sends it', async () => {
    log.next.push('INTERNAL')
    await refused('INTERNAL')
    const [name = ''] = await payments()
    const { records } = JSON.parse(await readFile(join(scene.dir, 'payments', name), 'utf8'))
    assert.equal(records.length, 1)
    assert.equal(records[0].record.body.to, OTHER)
  })

  it('makes a new record only when the old one can never enter the log', async () => {
    log.next.push('REPLAYED')
    await pay()
    assert.deepEqual([log.sent.length, new Set(log.sent).size, log.taken.length], [2, 2, 1])
  })

  it('REPLAYED although the log has it: paid, and no second record', async () => {
    log.next.push('lost', 'REPLAYED')
    await refused('STORE_CLOSED')
    await refused('REPLAYED')
    await pay()
    assert.deepEqual([new Set(log.sent).size, log.taken.length], [1, 1])
  })

  it('STALE: too old for ever is made anew, too early is not', async () => {
    log.clock = Date.now() - 3_600_000
    log.next.push('STALE')
    await refused('STALE')
    assert.equal(new Set(log.sent).size, 1)
    log.clock = Date.now() + 3_600_000
    log.next.push('STALE')
    await pay()
    assert.deepEqual([log.sent.length, new Set(log.sent).size, log.taken.length], [3, 2, 1])
  })

  it('BALANCE_INSUFFICIENT keeps the payment open, and the next run goes on with it', async () => {
    log.next.push('BALANCE_INSUFFICIENT')
    await refused('BALANCE_INSUFFICIENT')
    await pay()
    assert.deepEqual([new Set(log.sent).size, log.taken.length], [1, 1])
  })

  it('PAYMENT_ID: the same id for other terms', async () => {
    await pay('--id', 'rent-5')
    await scene.refused('PAYMENT_ID', 'pay', '6', '--to', OTHER, '--key', 'ada', '--id', 'rent-5')
    assert.equal(log.taken.length, 1)
  })

  it('PAYMENT_BUSY while another command works on it; one that died is no hindrance', async () => {
    await mkdir(join(scene.dir, 'payments'))
    const lock = join(scene.dir, 'payments', 'id-x.lock')
    await writeFile(lock, String(process.ppid))
    await refused('PAYMENT_BUSY', '--id', 'x')
    // Above the largest number that a process can have.
    await writeFile(lock, String(2 ** 22 + 1))
    await pay('--id', 'x')
    assert.deepEqual(await payments(), ['id-x.json'])
  })

  it('STORE_CORRUPT: a damaged note of a payment is not paid again', async () => {
    await mkdir(join(scene.dir, 'payments'))
    await writeFile(join(scene.dir, 'payments', 'id-x.json'), '{"v":1,')
    await refused('STORE_CORRUPT', '--id', 'x')
    assert.equal(log.sent.length, 0)
  })

  it('NOT_SEQUENCER, BAD_REQUEST: not the node of the payer, no payee, no id', async () => {
    await scene.refused('BAD_REQUEST', 'pay', '5', '--to', 'grace', '--key', 'ada')
    await refused('BAD_REQUEST', '--id', '../x')
    await refused('NOT_SEQUENCER', '--as', LCT.replace('alpha-', 'omega-'))
  })
})
