import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const SCENE = fileURLToPath(new URL('../../support/mdns-nodes.ts', import.meta.url))
/** A network of its own, in which multicast stays on the loopback device. */
const ALONE = [
  '--net',
  'sh',
  '-c',
  'ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo && exec "$0" "$@"',
]

interface Found {
  readonly self: string
  readonly opened: readonly { readonly peer: string; readonly by: string }[]
}

describe('finding nodes on the local network', function () {
  this.timeout(60_000)
  before(function () {
    const works = spawnSync('unshare', [...ALONE, 'true']).status === 0
    if (!works) {
      process.stdout.write('      skipped: no network namespace can be made here (Linux, root, iproute2)\n')
      this.skip()
    }
  })

  it('connects nodes of one federation, and no others', async () => {
    const args = [...ALONE, process.execPath, '--disable-warning=ExperimentalWarning', SCENE]
    const child = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    const output = await text(child.stdout)
    assert.deepEqual((await ended)[0], 0)
    const [one, other, two, others] = JSON.parse(output) as [Found, Found, Found, Found]
    for (const [a, b] of [
      [one, two],
      [other, others],
    ] as const) {
      assert.deepEqual(
        [a, b].map(({ opened }) => opened.map(({ peer }) => peer)),
        [[b.self], [a.self]],
      )
      assert.ok([...a.opened, ...b.opened].some(({ by }) => by === 'mdns'))
    }
  })
})
