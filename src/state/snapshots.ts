import { SNAPSHOT_ENTRIES_MIN } from '../limits.ts'
import type { Seq } from '../units.ts'
import { readState, stateKeys, stateValue } from './model.ts'
import type { Draft } from './view.ts'

/**
 * At which sizes everyone takes a snapshot of the state: 0, then each first one that is at least 10 000 entries and at least as
 * many as the state has keys above the one before. A function of the log alone, whether or not anybody claims a digest.
 */
export function isSnapshotSize(size: Seq, last: Seq, keys: number): boolean {
  return size - last >= Math.max(SNAPSHOT_ENTRIES_MIN, keys)
}

/** The end of every decision: counts the keys, and marks `size`, which the log has with this entry, if a snapshot is due. */
export function advanceSnapshots(draft: Draft, size: Seq): void {
  const held = readState.snapshots(draft)
  if (held === undefined) {
    foundSnapshots(draft)
    return
  }
  const keys = held.keys + draft.keysMore
  // Keys of this entry: its own mark is not among those that decide about it.
  const isDue = isSnapshotSize(size, held.last, keys)
  if (isDue) draft.create(stateKeys.snapshot(size), {})
  if (isDue) draft.replace(stateKeys.snapshots, stateValue({ keys: keys + 1, last: size }))
  else if (keys !== held.keys) draft.replace(stateKeys.snapshots, stateValue({ keys, last: held.last }))
}

/** With the charter: the state before it, which is empty, is the first snapshot. */
function foundSnapshots(draft: Draft): void {
  draft.create(stateKeys.snapshot(0), {})
  // This key is one of them.
  draft.create(stateKeys.snapshots, stateValue({ keys: draft.keysMore + 1, last: 0 }))
}
