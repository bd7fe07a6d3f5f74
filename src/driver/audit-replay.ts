import { equals } from 'uint8arrays/equals'
import { toBase64url } from '../encoding.ts'
import { HASH_BYTES } from '../log/merkle.ts'
import { TILE_WIDTH } from '../log/tile-nodes.ts'
import type { StoreOp, StoreReader } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import type { Code } from '../rejection.ts'
import { keyPart, rangeOf } from '../store/ledger.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { Seq, SocietyId } from '../units.ts'
import { type Audited, FINDINGS_MAX, type Pause } from './audit.ts'
import { DamagedEntry, replay } from './rewind.ts'

/** The whole state and tree of one log held against what its entries make of them: where the books went wrong, and what repairs them. */

/** Pairs between two pauses. */
const PAIRS = 100

export interface Difference {
  /** Of the store, below the society: `state/…` or `tile/…`. */
  readonly key: string
  /** Of what is stored. */
  readonly is: 'missing' | 'surplus' | 'other'
}

export interface Replayed {
  /**
   * The first stored entry that cannot be decided again, or whose bytes are not those of the signed tree. Then the entries
   * cannot tell what the state should be.
   */
  readonly entry?: { readonly seq: Seq; readonly code: Code }
  /** Keys of state and tree that are not as the entries make them: how many, and the first of them. */
  readonly differing: number
  readonly differences: readonly Difference[]
}

export interface Replay extends Replayed {
  /** What would make the stored state and tree as the entries do; empty when they cannot tell. */
  readonly repair: readonly StoreOp[]
}

/** Decides all entries again, in memory, and compares state and tree with the stored ones key by key. */
export async function auditByReplay(
  reader: StoreReader,
  { root, size, society }: Pick<Audited, 'root' | 'size' | 'society'>,
  context: DecideContext,
  pause: Pause,
): Promise<Replay> {
  const made = createMemoryStore()
  const none = { differing: 0, differences: [], repair: [] }
  try {
    const { edge } = await replay(paced(reader, pause), society, size, made, context)
    if (toBase64url(edge.root()) !== root) return { ...none, entry: await otherLeaf(reader, made, society) }
  } catch (error) {
    if (error instanceof DamagedEntry) return { ...none, entry: { seq: error.seq, code: error.code } }
    throw error
  }
  const differences: Difference[] = []
  const repair: StoreOp[] = []
  for (const range of [rangeOf.state(society), rangeOf.tree(society)])
    for await (const [key, stored, right] of unequal(reader.range(range), paced(made, pause).range(range))) {
      const is = stored === undefined ? 'missing' : right === undefined ? 'surplus' : 'other'
      if (differences.length < FINDINGS_MAX) differences.push({ key: key.replace(`/${society}/`, '/'), is })
      repair.push(right === undefined ? { type: 'del', key } : { type: 'put', key, value: right })
    }
  return { differing: repair.length, differences, repair }
}

/** Where the leaves of the stored entries are first others than those of the tree that was signed. */
async function otherLeaf(
  reader: StoreReader,
  made: StoreReader,
  society: SocietyId,
): Promise<{ readonly seq: Seq; readonly code: Code }> {
  const range = rangeOf.tiles(society, 0)
  for await (const [key, stored = new Uint8Array(), right = stored] of unequal(
    reader.range(range),
    made.range(range),
  )) {
    const at = right.findIndex((byte, index) => byte !== stored[index])
    return { seq: keyPart.number(key) * TILE_WIDTH + Math.floor(Math.max(0, at) / HASH_BYTES), code: 'PROOF_INVALID' }
  }
  // The leaves agree, so what is stored above them does not.
  return { seq: 0, code: 'PROOF_INVALID' }
}

type Pairs = AsyncIterable<readonly [key: string, value: Uint8Array]>

/** Keys whose values are not the same in both, in order. */
async function* unequal(
  left: Pairs,
  right: Pairs,
): AsyncGenerator<readonly [key: string, left: Uint8Array | undefined, right: Uint8Array | undefined]> {
  const others = right[Symbol.asyncIterator]()
  let other = await others.next()
  for await (const [key, value] of left) {
    for (; other.done !== true && other.value[0] < key; other = await others.next())
      yield [other.value[0], undefined, other.value[1]]
    if (other.done === true || other.value[0] !== key) {
      yield [key, value, undefined]
      continue
    }
    if (!equals(value, other.value[1])) yield [key, value, other.value[1]]
    other = await others.next()
  }
  for (; other.done !== true; other = await others.next()) yield [other.value[0], undefined, other.value[1]]
}

/** Pauses between the pairs. */
function paced(reader: StoreReader, pause: Pause): StoreReader {
  return {
    getMany: keys => reader.getMany(keys),
    async *range(range) {
      let count = 0
      for await (const pair of reader.range(range)) {
        if (count++ % PAIRS === 0) await pause()
        yield pair
      }
    },
  }
}
