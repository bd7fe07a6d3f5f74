import assert from 'node:assert/strict'
import { overrideStartUp, startUpOf } from '../../src/driver/own-start.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { pay, scene, tryPay } from '../support/backup-scene.ts'
import type { ClusterNode } from '../support/cluster-node.ts'

describe('an operator overrides a start-up', () => {
  const codeOf = (result: ReturnType<typeof overrideStartUp>) => (result.ok ? 'ok' : result.error.code)
  const LIE = 1_000_000

  /** s0 starts again and hears a witness that tells of a million entries. */
  async function lied() {
    const s = await scene()
    const { cluster } = s
    // What it asks would tell the truth.
    cluster.net.passes = (from, _to, name) => from !== 's1' || name !== 'status'
    cluster.net.reply = (by, name, result) => {
      if (by !== 's1' || name !== 'status' || !result.ok) return result
      const message = result.value as { logs: { society: string }[] }
      const logs = message.logs.map(log => (log.society === s.home.society ? { ...log, cosigned: LIE } : log))
      return { ok: true, value: { ...message, logs } }
    }
    const home = await cluster.restart(s.home)
    await cluster.clock.advance(5_000)
    return { ...s, home }
  }

  it('of a sequencer: it sees who told what, and repeats the size that is here', async () => {
    const s = await lied()
    const { cluster, home, size } = s
    assert.equal(await tryPay(s, home, 100), 'STARTING')
    const facts = startUpOf(home.federation, home.log())
    const liar = cluster.nodes[1]?.keys.witness.key
    assert.deepEqual(facts?.peers.map(({ key, told, shown }) => [key === liar, told, shown]).sort(), [
      [false, size, 0],
      [false, size, 0],
      [true, LIE, size],
    ])
    const { federation, society } = home
    const refused = overrideStartUp(federation, society, size - 1)
    const detail = `said: ${size - 1}; here are ${size} entries`
    assert.deepEqual(refused, { ok: false, error: { code: 'OVERRIDE_SIZE', detail } })
    assert.equal(await tryPay(s, home, 100), 'STARTING')
    assert.equal(codeOf(overrideStartUp(federation, society, size)), 'ok')
    assert.deepEqual(home.overrides, [{ society, size }])
    assert.equal(startUpOf(federation, home.log()), undefined)
    await pay(s, home, 1)
    // Nothing of it is kept.
    const again = await cluster.restart(home)
    await cluster.clock.advance(5_000)
    assert.equal(await tryPay(s, again, 300), 'STARTING')
  })

  it('of a witness', async () => {
    const s = await scene()
    const { cluster, home, size } = s
    const { society } = home
    cluster.net.partition(['s0', 's2', 's3'])
    const witness = await cluster.restart(cluster.nodes[1] as ClusterNode)
    const { federation } = witness
    const facts = startUpOf(federation, witness.log(society))
    assert.deepEqual([facts?.here, facts?.newest, facts?.needed, facts?.peers.length], [size, 0, 2, 3])
    assert.equal(codeOf(overrideStartUp(federation, society, size + 1)), 'OVERRIDE_SIZE')
    assert.equal(codeOf(overrideStartUp(federation, society, size)), 'ok')
    assert.equal(startUpOf(federation, witness.log(society)), undefined)
  })

  it('NOT_FOUND, NOT_CONSENTED, FROZEN: where there is nothing to sign', async () => {
    const s = await scene()
    const { cluster, home, size } = s
    const stranger = await cluster.add({ name: 'stranger', store: createMemoryStore() })
    assert.equal(codeOf(overrideStartUp(stranger.federation, home.society, 0)), 'NOT_FOUND')
    await cluster.clock.run(stranger.federation.follow(home.society))
    await cluster.clock.until('its entries', () => stranger.log(home.society).replica.tip.size === size)
    assert.equal(codeOf(overrideStartUp(stranger.federation, home.society, size)), 'NOT_CONSENTED')
    const witness = cluster.nodes[1] as ClusterNode
    await cluster.clock.run(witness.log(home.society).replica.stop({ mode: 'frozen' }))
    assert.equal(codeOf(overrideStartUp(witness.federation, home.society, size)), 'FROZEN')
  })
})
