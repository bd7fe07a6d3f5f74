import assert from 'node:assert/strict'
import { createLogger, nullLogger } from '../../node/observe/logger.ts'
import { createMetrics } from '../../node/observe/metrics.ts'
import { watch } from '../../node/observe/watch.ts'
import { manualClock } from '../support/manual-clock.ts'

describe('logger', () => {
  it('writes JSON lines with the module, and cuts secrets', () => {
    const lines: string[] = []
    const logger = createLogger({ level: 'info', destination: { write: line => void lines.push(line) } })
    logger.debug('too quiet')
    logger.child('api').warn('seen', { peer: 'x', token: 'hidden1', inner: { passphrase: 'hidden2', size: 3 } })
    logger.error('failed', { error: new Error('why') })
    assert.equal(lines.length, 2)
    const first = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    assert.deepEqual(
      { ...first, time: '' },
      {
        level: 'warn',
        time: '',
        module: 'api',
        peer: 'x',
        token: '[cut]',
        inner: { passphrase: '[cut]', size: 3 },
        message: 'seen',
      },
    )
    assert.doesNotMatch(lines.join(), /hidden/)
    const second = JSON.parse(lines[1] ?? '') as { error: { message: string } }
    assert.equal(second.error.message, 'why')
  })

  it('can be silent', () => {
    assert.equal(nullLogger.child('x'), nullLogger)
    nullLogger.error('nobody hears it')
  })
})

describe('metrics', () => {
  it('have units in their names, and a registry of their own', async () => {
    const [one, other] = [createMetrics({ process: false }), createMetrics({ process: false })]
    one.entries.inc({ society: 'a' }, 2)
    one.rejected.inc({ code: 'STALE' })
    one.commitSeconds.observe(0.003)
    one.logSize.set({ society: 'a' }, 7)
    const text = await one.text()
    assert.match(text, /^web4_entries_total\{society="a"\} 2$/m)
    assert.match(text, /^web4_rejected_total\{code="STALE"\} 1$/m)
    assert.match(text, /^web4_commit_seconds_bucket\{le="0.005"\} 1$/m)
    assert.match(text, /^web4_log_size_entries\{society="a"\} 7$/m)
    assert.doesNotMatch(await other.text(), /society="a"/)
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)]
    assert.ok(names.length >= 8)
    for (const [, name = '', type] of names) {
      assert.match(name, /^web4_/)
      if (type === 'counter') assert.match(name, /_total$/)
      if (type === 'histogram') assert.match(name, /_seconds$/)
    }
  })
})

describe('what happens', () => {
  it('a payment received is an event with its facts, and counted', async () => {
    const metrics = createMetrics({ process: false })
    const emitted: unknown[] = []
    const emit = (type: string, data: unknown) => emitted.push({ type, data })
    const events = watch({ logger: nullLogger, metrics, rejected: new Map(), clock: manualClock(), emit })
    const payment = { society: 'a', seq: 3, record: 'r', from: 'f', to: 't', amount: 1_500_000, time: 5 }
    events.received(payment)
    assert.deepEqual(emitted, [{ type: 'payment.received', data: { ...payment, atp: '1.5' } }])
    assert.match(await metrics.text(), /^web4_payments_received_total 1$/m)
  })
})
