import { sha256 } from '../../node/crypto/sodium.ts'
import type { PeerInfo } from '../../src/driver/net.ts'
import { encodeGroup } from '../../src/ingest/group.ts'
import { openEntry } from '../../src/ingest/open.ts'
import { addCosignatures, cosignatureMessage, makeCosignatureLine } from '../../src/log/cosignature.ts'
import {
  checkpointText,
  formatNote,
  logSignatureMessage,
  makeLogNote,
  type Note,
  originOf,
} from '../../src/log/note.ts'
import { consistencyProof, TreeEdge } from '../../src/log/tiles.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import type { ClusterNode } from './cluster-node.ts'
import { entryBytes, type Identity, signRecord } from './identity.ts'

/** What a society can publish that lies, and what others can make of what it published. */

/** An entry as its society would write it, whatever the rules say. */
export function forgeEntry(
  record: AnyRecord,
  signers: readonly Identity[],
  seq: number,
  time = record.time,
): Uint8Array {
  return entryBytes(record, signRecord(record, signers), seq, time)
}

/** A checkpoint of the node's own log, signed by its society key. */
export function signNote(
  node: ClusterNode,
  size: number,
  root: Uint8Array,
  logKey: Identity = node.keys.society,
): Note {
  const checkpoint = { origin: originOf(node.society), root, size }
  return makeLogNote(checkpoint, logKey.raw, logKey.signNow(logSignatureMessage(checkpointText(checkpoint))), sha256)
}

export interface Branch {
  readonly first: number
  readonly entries: readonly Uint8Array[]
  readonly note: Note
  readonly frame: Uint8Array
  /** RFC 6962 proof from a smaller size of this branch to its note. */
  proofFrom(size: number): readonly Uint8Array[]
}

/** The node's own log up to `first`, continued by these entries under a valid checkpoint. */
export async function forgeBranch(node: ClusterNode, first: number, entries: readonly Uint8Array[]): Promise<Branch> {
  const held = await node.log().replica.entries(0, first)
  const tree = TreeEdge.empty(sha256)
  const writes = tree.append([...held, ...entries].map(leafOf))
  const tiles = new Map(writes.map(({ tile, bytes }) => [`${tile.level}/${tile.index}`, bytes]))
  const note = signNote(node, tree.size, tree.root())
  return {
    first,
    entries,
    note,
    frame: encodeGroup({ first, entries, checkpoint: formatNote(note), notes: [] }),
    proofFrom: size => consistencyProof(size, tree.size, id => tiles.get(`${id.level}/${id.index}`), sha256) ?? [],
  }
}

function leafOf(bytes: Uint8Array): Uint8Array {
  const opened = openEntry(bytes, sha256)
  if (!opened.ok) throw new Error(`a forged entry must open: ${opened.error.code}`)
  return opened.value.leaf
}

/** Who asks, when a test calls a handler itself. */
export function peerOf(node: ClusterNode): PeerInfo {
  return { peer: node.name, society: node.society, witnessKey: node.keys.witness.key }
}

/** The note with lines of these witnesses, whether they should have signed it or not. */
export function cosign(note: Note, witnesses: readonly Identity[], seconds: number): Note {
  const lines = witnesses.map(({ key, signNow }) =>
    makeCosignatureLine(key, seconds, signNow(cosignatureMessage(note.text, seconds)), sha256),
  )
  return addCosignatures(note, lines)
}
