import assert from 'node:assert/strict'
import { createHints } from '../../../node/net/hints.ts'
import { createSeeker } from '../../../node/net/seeker.ts'
import { manualClock } from '../../support/manual-clock.ts'

const random = { bytes: (length: number) => new Uint8Array(length).fill(255) }
/** Lets everything that waits for a promise run on; a search is a few of them long. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setImmediate(resolve))
}

const provider = (peer: string, namedBy = 1) => ({ peer, addresses: [`/ip4/192.0.2.1/tcp/${peer.length}`], namedBy })

function setup() {
  const clock = manualClock()
  const connected = new Set<string>()
  const dials: string[] = []
  const hungUp: string[] = []
  const state = { named: [] as ReturnType<typeof provider>[], refused: new Set<string>(), searches: 0 }
  const hints = createHints({
    clock,
    async dial(peer) {
      dials.push(peer)
      if (state.refused.has(peer)) return false
      connected.add(peer)
      return true
    },
    isConnected: peer => connected.has(peer),
    isInbound: peer => peer.startsWith('guest'),
    keeps: peer => peer.startsWith('kept'),
    hangUp(peer) {
      hungUp.push(peer)
      connected.delete(peer)
      hints.disconnected(peer)
    },
  })
  const seeker = createSeeker({
    clock,
    random,
    hints,
    isConnected: peer => connected.has(peer),
    directory: {
      find: async () => {
        state.searches++
        return state.named
      },
    },
  })
  seeker.start()
  const pass = async (ms: number) => {
    clock.advance(ms)
    await settle()
  }
  const want = (missing?: 'nobody' | 'others') => seeker.seek(new Map(missing === undefined ? [] : [['s', missing]]))
  return { clock, connected, dials, hints, hungUp, pass, seeker, state, want }
}

describe('looking for who serves a log', () => {
  it('searches soon, and then more and more slowly while nobody helps', async () => {
    const { clock, pass, seeker, state, want } = setup()
    want('nobody')
    const pauses: number[] = []
    for (let round = 0; round < 10; round++) {
      pauses.push(clock.pending()[0] ?? 0)
      await pass(pauses.at(-1) ?? 0)
      want('nobody')
    }
    assert.deepEqual(pauses, [1_000, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 600_000, 600_000])
    assert.equal(state.searches, 10)
    await seeker.stop()
    assert.deepEqual(clock.pending(), [])
  })

  it('stops when somebody helps, and does not start before it is wanted', async () => {
    const { clock, pass, seeker, state, want } = setup()
    want()
    assert.deepEqual(clock.pending(), [])
    want('nobody')
    await pass(1_000)
    want()
    assert.deepEqual(clock.pending(), [])
    await pass(600_000)
    assert.equal(state.searches, 1)
    await seeker.stop()
  })

  it('looks now and then while only others than its own node serve it', async () => {
    const { clock, seeker, want } = setup()
    want('others')
    assert.deepEqual(clock.pending(), [600_000])
    await seeker.stop()
  })

  it('dials at most eight of a thousand, those first that more nodes name', async () => {
    const { dials, pass, seeker, state, want } = setup()
    state.named = Array.from({ length: 1_000 }, (_, index) => provider(`p${index}`))
    state.named[777] = provider('honest', 3)
    want('nobody')
    await pass(1_000)
    assert.equal(dials.length, 8)
    assert.equal(dials[0], 'honest')
    await seeker.stop()
  })

  it('gives up who does not help, and leaves it alone for ten minutes', async () => {
    const { dials, hints, hungUp, pass, seeker, state, want } = setup()
    state.named = [provider('liar', 9)]
    want('nobody')
    await pass(1_000)
    assert.deepEqual(dials, ['liar'])
    // Its chance is not over at the first look, five seconds later.
    await pass(5_000)
    assert.deepEqual(hungUp, [])
    await pass(10_000)
    assert.deepEqual(hungUp, ['liar'])
    assert.equal(hints.faults('s', 'liar'), 1)
    assert.equal(hints.avoids('liar'), true)
    await pass(20_000)
    assert.deepEqual(dials, ['liar'])
    await pass(600_000)
    assert.equal(hints.avoids('liar'), false)
    await seeker.stop()
  })

  it('tries those last that did not help before, however many name them', async () => {
    const { dials, hints, pass, seeker, state, want } = setup()
    hints.blame('s', 'liar')
    hints.blame('other', 'p0')
    state.named = [provider('liar', 9), ...Array.from({ length: 8 }, (_, index) => provider(`p${index}`))]
    want('nobody')
    await pass(1_000)
    assert.deepEqual(dials, ['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7'])
    await seeker.stop()
  })

  it('searches neither faster nor more slowly for a liar who seems to help for a moment', async () => {
    const { clock, pass, seeker, state, want } = setup()
    want('nobody')
    for (let round = 0; round < 20; round++) {
      await pass(1_000)
      want('others')
      await pass(1_000)
      want('nobody')
      await pass(10_000)
    }
    // Within 240 s: after 1 s, and then 5, 10, 20, 40 and 80 s later, as if it were left alone.
    assert.equal(state.searches, 6)
    want('others')
    await pass(60_000)
    want('nobody')
    assert.deepEqual(clock.pending(), [1_000])
    await seeker.stop()
  })

  it('judges whom the DHT dialled for its own questions, and not who came by itself', async () => {
    const { connected, dials, hints, hungUp, pass, seeker, state, want } = setup()
    state.named = [provider('liar'), provider('guest')]
    for (const { peer } of state.named) connected.add(peer)
    want('nobody')
    for (const pause of [1_000, 5_000, 10_000]) await pass(pause)
    assert.deepEqual([dials, hungUp], [[], ['liar']])
    assert.deepEqual([hints.faults('s', 'liar'), hints.faults('s', 'guest')], [1, 1])
    await seeker.stop()
  })

  it('never hangs up on who is kept for another reason', async () => {
    const { hungUp, pass, seeker, state, want } = setup()
    state.named = [provider('kept one')]
    want('nobody')
    await pass(1_000)
    await pass(5_000)
    await pass(10_000)
    assert.deepEqual(hungUp, [])
    await seeker.stop()
  })

  it('goes on after a search that failed', async () => {
    const clock = manualClock()
    let searches = 0
    const hints = { avoids: () => false, blame: () => {}, dial: async () => false, faults: () => 0 }
    const find = () => {
      searches++
      return Promise.reject(new Error('no route'))
    }
    const seeker = createSeeker({ clock, random, hints, isConnected: () => false, directory: { find } })
    seeker.start()
    seeker.seek(new Map([['s', 'nobody']]))
    for (const pause of [1_000, 5_000]) {
      assert.deepEqual(clock.pending(), [pause])
      clock.advance(pause)
      await settle()
    }
    assert.equal(searches, 2)
    await seeker.stop()
  })

  it('searches for four logs at a time', async () => {
    const clock = manualClock()
    const open: ((found: []) => void)[] = []
    const hints = { avoids: () => false, blame: () => {}, dial: async () => false, faults: () => 0 }
    const find = () => new Promise<[]>(resolve => open.push(resolve))
    const seeker = createSeeker({ clock, random, hints, isConnected: () => false, directory: { find } })
    seeker.start()
    seeker.seek(new Map(Array.from({ length: 9 }, (_, index) => [`s${index}`, 'nobody'])))
    clock.advance(1_000)
    await settle()
    assert.equal(open.length, 4)
    open[0]?.([])
    await settle()
    assert.equal(open.length, 5)
    const stopped = seeker.stop()
    for (const resolve of open) resolve([])
    await stopped
    assert.deepEqual(clock.pending(), [])
  })
})

describe('connections made on hints', () => {
  it('keeps 64 of them, and lets the oldest go', async () => {
    const { dials, hints, hungUp } = setup()
    const { signal } = new AbortController()
    for (let index = 0; index < 70; index++) await hints.dial(`p${index}`, ['/ip4/192.0.2.1/tcp/1'], 'dht', signal)
    assert.equal(dials.length, 70)
    assert.deepEqual(hungUp, ['p0', 'p1', 'p2', 'p3', 'p4', 'p5'])
  })

  it('dials who is seen on the local network once a minute', async () => {
    const { clock, dials, hints, state } = setup()
    const { signal } = new AbortController()
    state.refused.add('printer')
    for (let round = 0; round < 12; round++) {
      await hints.seen('printer', ['/ip4/192.0.2.9/tcp/631'], signal)
      clock.advance(10_000)
    }
    assert.deepEqual(dials, ['printer', 'printer'])
    await hints.seen('node', ['/ip4/192.0.2.1/tcp/1'], signal)
    await hints.seen('node', ['/ip4/192.0.2.1/tcp/1'], signal)
    assert.deepEqual(dials, ['printer', 'printer', 'node'])
    assert.equal(hints.sourceOf('node'), 'mdns')
  })

  it('dials eight of a thousand who are seen at once', async () => {
    const clock = manualClock()
    const open: ((connected: boolean) => void)[] = []
    const hints = createHints({
      clock,
      dial: () => new Promise(resolve => open.push(resolve)),
      isConnected: () => false,
      isInbound: () => false,
      keeps: () => false,
      hangUp: () => {},
    })
    const { signal } = new AbortController()
    const all = Array.from({ length: 1_000 }, (_, index) => hints.seen(`p${index}`, ['/ip4/192.0.2.1/tcp/1'], signal))
    assert.equal(open.length, 8)
    for (const resolve of open) resolve(false)
    await Promise.all(all)
  })
})
