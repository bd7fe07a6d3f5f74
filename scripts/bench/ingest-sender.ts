import { setTimeout as sleep } from 'node:timers/promises'
import { sha256, systemClock, systemRandom } from '../../node/crypto/sodium.ts'
import { createNet } from '../../node/net/net.ts'
import { createVerifierPool } from '../../node/verify/pool.ts'
import { utf8Encode } from '../../src/canonical.ts'
import { identity } from '../../test/support/identity.ts'
import { handlers } from '../../test/support/net.ts'
import { type LogShape, signLog } from './ingest-log.ts'

/** What the node tells the sender. */
export type ToSender =
  /** Connect there. */
  | { readonly dial: string }
  /** The node has stored so many entries. */
  | { readonly committed: number }
  /** Send what makes the log so long, and nothing beyond. */
  | { readonly until: number }

/** What the sender tells the node. */
export type FromSender =
  | {
      readonly signed: {
        readonly society: string
        readonly setUp: number
        readonly size: number
        readonly groups: number
        readonly bytes: number
      }
    }
  | { readonly connected: true }

/**
 * Groups on their way: one in the node's hands at each step (on the wire, opened, verified, stored). Gossip itself has no flow
 * control; what a node cannot take in time it drops and fetches later.
 */
const WINDOW_GROUPS = 4

/** Another process than the node that is measured: signs a log, then gossips it over TCP as fast as the node stores it. */
async function main(shape: LogShape): Promise<void> {
  const { society, setUp, frames, bytes } = signLog(shape)
  const net = await createNet(
    { federation: 'bench', listen: [], peers: [], seed: sha256(utf8Encode(`sender ${shape.round}`)) },
    {
      clock: systemClock,
      random: systemRandom,
      sha256,
      verifier: createVerifierPool({ workers: 0 }),
      signer: identity('s0 witness'),
      currentSociety: () => society,
    },
  )
  net.join(society)
  await net.start(handlers())

  let sent = 0
  let committed = 0
  let until = 0
  function pump(): void {
    const stored = frames.findLastIndex(({ size }) => size <= committed) + 1
    for (
      let frame = frames[sent];
      frame !== undefined && frame.size <= until && sent < stored + WINDOW_GROUPS;
      frame = frames[sent]
    ) {
      sent++
      void net.publishGroup(society, frame.bytes)
    }
  }
  async function dial(address: string): Promise<void> {
    const dialled = await net.connect(address)
    if (!dialled.ok) throw new Error(dialled.error.code)
    // A neighbour in the mesh gets every message.
    while (net.mesh(society).length === 0) await sleep(50)
    tell({ connected: true })
  }
  process.on('message', (message: ToSender) => {
    if ('dial' in message) void dial(message.dial)
    else if ('committed' in message) committed = message.committed
    else until = message.until
    pump()
  })
  // The node is gone: so is the reason to be.
  process.on('disconnect', () => process.exit())
  tell({
    signed: {
      society,
      setUp,
      size: frames.at(-1)?.size ?? 0,
      groups: frames.filter(({ size }) => size > setUp).length,
      bytes,
    },
  })
}

function tell(message: FromSender): void {
  process.send?.(message)
}

await main(JSON.parse(process.argv[2] ?? '') as LogShape)
