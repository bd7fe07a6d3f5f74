import assert from 'node:assert/strict'
import { createReconnect, pauseMs } from '../../../node/net/reconnect.ts'
import type { Random } from '../../../src/ports.ts'
import { rejection } from '../../../src/rejection.ts'
import { fail, ok } from '../../../src/result.ts'
import { manualClock } from '../../support/manual-clock.ts'

const lowest: Random = { bytes: length => new Uint8Array(length) }
const highest: Random = { bytes: length => new Uint8Array(length).fill(255) }
/** Lets promises that are settled run on. */
const turn = () => new Promise(resolve => setImmediate(resolve))

function setup(addresses: readonly string[] = ['a']) {
  const clock = manualClock()
  const dialled: string[] = []
  const down = new Set<string>()
  const reconnect = createReconnect(addresses, {
    clock,
    random: highest,
    async dial(address) {
      dialled.push(address)
      return down.has(address) ? fail(rejection('PEER_UNREACHABLE')) : ok(`peer ${address}`)
    },
  })
  return { clock, dialled, down, reconnect }
}

describe('the pause before a connection is tried again', () => {
  it('doubles up to 30 s, half of it by chance', () => {
    const pauses = Array.from({ length: 9 }, (_, failures) => [pauseMs(failures, lowest), pauseMs(failures, highest)])
    assert.deepEqual(pauses, [
      [250, 500],
      [500, 1_000],
      [1_000, 2_000],
      [2_000, 4_000],
      [4_000, 8_000],
      [8_000, 16_000],
      [15_000, 30_000],
      [15_000, 30_000],
      [15_000, 30_000],
    ])
    assert.equal(pauseMs(5_000, highest), 30_000)
  })
})

describe('reconnecting', () => {
  it('dials every configured address once at the start', async () => {
    const { clock, dialled, reconnect } = setup(['a', 'b', 'a'])
    reconnect.start()
    reconnect.start()
    await turn()
    assert.deepEqual(dialled, ['a', 'b'])
    assert.deepEqual(clock.pending(), [])
    await reconnect.stop()
  })

  it('tries again with longer pauses, and with a short one after a success', async () => {
    const { clock, dialled, down, reconnect } = setup()
    down.add('a')
    reconnect.start()
    const pauses: (number | undefined)[] = []
    for (let attempt = 0; attempt < 8; attempt++) {
      await turn()
      pauses.push(clock.pending()[0])
      clock.advance(pauses.at(-1) ?? 0)
    }
    assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
    await turn()
    down.clear()
    clock.advance(30_000)
    await turn()
    assert.deepEqual(clock.pending(), [])
    const count = dialled.length
    reconnect.disconnected('somebody else')
    assert.deepEqual(clock.pending(), [])
    reconnect.disconnected('peer a')
    assert.deepEqual(clock.pending(), [500])
    clock.advance(500)
    await turn()
    assert.equal(dialled.length, count + 1)
    await reconnect.stop()
  })

  it('goes over to another list: what stays is left alone, what is new is dialled, what is gone is not tried again', async () => {
    const { clock, dialled, down, reconnect } = setup(['a', 'b'])
    down.add('b')
    reconnect.start()
    await turn()
    assert.deepEqual([reconnect.keeps('peer a'), reconnect.keeps('peer b')], [true, false])
    reconnect.set(['a', 'c'])
    await turn()
    assert.deepEqual(dialled, ['a', 'b', 'c'])
    assert.deepEqual(clock.pending(), [])
    reconnect.set(['c'])
    assert.deepEqual([reconnect.keeps('peer a'), reconnect.keeps('peer c')], [false, true])
    reconnect.disconnected('peer a')
    assert.deepEqual(clock.pending(), [])
    reconnect.disconnected('peer c')
    assert.deepEqual(clock.pending(), [500])
    reconnect.set([])
    assert.deepEqual(clock.pending(), [])
    await reconnect.stop()
  })

  it('stops: no timer is left, nothing is dialled, and a dial on its way is told', async () => {
    const clock = manualClock()
    let signal: AbortSignal | undefined
    const reconnect = createReconnect(['a'], {
      clock,
      random: highest,
      dial: (_address, given) =>
        new Promise(resolve => {
          signal = given
          given.addEventListener('abort', () => resolve(fail(rejection('PEER_UNREACHABLE'))))
        }),
    })
    reconnect.start()
    await reconnect.stop()
    await reconnect.stop()
    assert.equal(signal?.aborted, true)
    reconnect.disconnected('peer a')
    assert.deepEqual(clock.pending(), [])
  })
})
