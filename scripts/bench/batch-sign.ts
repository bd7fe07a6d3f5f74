import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalBytes, type Json } from '../../src/canonical.ts'
import { signedMessage, signedMessageOf } from '../../src/crypto.ts'
import { toBase64url } from '../../src/encoding.ts'
import { leafHash } from '../../src/log/merkle.ts'
import { inclusionProof, TreeEdge } from '../../src/log/tiles.ts'
import type { Signer } from '../../src/ports.ts'
import type { AnyRecord, Sig } from '../../src/records/types.ts'

/** One signature for many records (docs/protocol.md, Batch signatures): in the order of the records, the part of each. */
export async function signBatch(records: readonly AnyRecord[], signer: Signer): Promise<Sig[]> {
  const size = records.length
  const tree = TreeEdge.empty(sha256)
  const leaves = records.map(record =>
    leafHash(signedMessage('record', canonicalBytes(record as unknown as Json)), sha256),
  )
  const tiles = new Map(tree.append(leaves).map(({ tile, bytes }) => [`${tile.level}/${tile.index}`, bytes]))
  const sig = toBase64url(await signer.sign(signedMessageOf('batch', { root: toBase64url(tree.root()), size })))
  return records.map((_, index) => {
    const path = inclusionProof(index, size, ({ level, index: at }) => tiles.get(`${level}/${at}`), sha256)
    if (path === undefined) throw new RangeError('no path')
    return { by: signer.key, index, path: path.map(toBase64url), sig, size }
  })
}
