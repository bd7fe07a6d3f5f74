import type { PeerId, Verdict } from '../../src/driver/net.ts'
import { JUDGING_BYTES_MAX, JUDGING_BYTES_PER_PEER_MAX } from './constants.ts'

/** Bounds what is being judged at once, so that a flood costs bounded memory whoever sends it. */
export interface Judge {
  /** `ignore` at once when the peer, or all peers together, have too much waiting; and when the validator fails. */
  judge(peer: PeerId, bytes: number, validate: () => Promise<Verdict>): Promise<Verdict>
}

export function createJudge(limits = { perPeer: JUDGING_BYTES_PER_PEER_MAX, all: JUDGING_BYTES_MAX }): Judge {
  const waiting = new Map<PeerId, number>()
  let total = 0

  function add(peer: PeerId, bytes: number) {
    total += bytes
    const left = (waiting.get(peer) ?? 0) + bytes
    if (left > 0) waiting.set(peer, left)
    else waiting.delete(peer)
  }

  return {
    async judge(peer, bytes, validate) {
      if ((waiting.get(peer) ?? 0) + bytes > limits.perPeer || total + bytes > limits.all) return 'ignore'
      add(peer, bytes)
      try {
        return await validate()
      } catch {
        return 'ignore'
      } finally {
        add(peer, -bytes)
      }
    },
  }
}
