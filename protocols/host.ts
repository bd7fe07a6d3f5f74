import type { Stream } from '@libp2p/interface'
import type { PeerId } from '../src/driver/net.ts'

/** What protocols need of a libp2p node, and no more; tests give two stubs or two hosts. */
export interface ProtocolHost {
  /** Streams are handed over with the transport-authenticated name of the other end. */
  handle(protocol: string, handler: (stream: Stream, peer: PeerId) => Promise<void>, streamsMax: number): Promise<void>
  unhandle(protocol: string): Promise<void>
  /** Opens a stream on a connection that exists; throws when there is none or the protocol is not spoken there. */
  dialProtocol(peer: PeerId, protocol: string, options: { readonly signal: AbortSignal }): Promise<Stream>
}
