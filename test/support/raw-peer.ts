import type { Stream } from '@libp2p/interface'
import { encode } from 'it-length-prefixed'
import { sha256, systemClock, verifySync } from '../../node/crypto/sodium.ts'
import { createHost, type Host, transportKey } from '../../node/net/host.ts'
import { readFrames } from '../../protocols/framing/framing.ts'
import { createGossip } from '../../protocols/gossip/gossip.ts'
import { createStatements, type Statements } from '../../protocols/node-statement/node-statement.ts'
import { utf8Decode, utf8Encode } from '../../src/canonical.ts'
import type { PeerId } from '../../src/driver/net.ts'
import type { Signer } from '../../src/ports.ts'
import { identity } from './identity.ts'
import { address, hostDefaults, societyId, type Target } from './net.ts'

/** A peer that says who it is, as a node does, and then sends whatever a test likes. */
export interface RawPeer {
  readonly host: Host
  readonly self: PeerId
  readonly statements: Statements
  /** Sends these bytes as they are, closes its half unless told not to, and gives what came back. */
  say(to: Target, protocol: string, bytes: Uint8Array, options?: { readonly open?: boolean }): Promise<string[]>
  stream(to: Target, protocol: string): Promise<Stream>
  stop(): Promise<void>
}

export async function rawPeer(name: string, to: Target, signer: Signer = identity(name)): Promise<RawPeer> {
  const { key, peer: self } = await transportKey(sha256(utf8Encode(name)))
  const gossip = createGossip({ federation: 'test' }, { sha256 })
  const host = await createHost(
    { ...hostDefaults, key },
    {
      clock: systemClock,
      sha256,
      pubsub: gossip.service,
      connected: peer => statements.connected(peer),
      disconnected: peer => statements.disconnected(peer),
    },
  )
  const statements = createStatements({
    host,
    self,
    signer,
    clock: systemClock,
    verifier: { verify: async jobs => jobs.map(job => verifySync(job.key, job.signature, job.message)) },
    currentSociety: () => societyId(name),
    opened: () => {},
    closed: () => {},
    hangUp: () => {},
  })
  await statements.start()
  await host.start()
  const signal = new AbortController().signal
  const dialled = await host.dial(address(to), signal)
  if (!dialled.ok) throw new Error(dialled.error.code)
  const stream = (node: Target, protocol: string) => host.dialProtocol(node.net.self, protocol, { signal })
  return {
    host,
    self,
    statements,
    stream,
    async say(node, protocol, bytes, options = {}) {
      const opened = await stream(node, protocol)
      if (bytes.length > 0) opened.send(bytes)
      if (options.open !== true) await opened.close()
      const read = await readFrames(opened, { maxFrames: 100, maxBytes: 4 * 1024 * 1024, signal })
      opened.abort(new Error('done'))
      return read.ok ? read.value.map(frame => utf8Decode(frame) ?? '') : [read.error.code]
    },
    async stop() {
      await statements.stop()
      await host.stop()
    },
  }
}

/** Frames as they travel. */
export function framed(...frames: readonly (string | Uint8Array)[]): Uint8Array {
  const bytes = frames.map(frame => (typeof frame === 'string' ? utf8Encode(frame) : frame))
  return Buffer.concat([...encode(bytes)])
}
