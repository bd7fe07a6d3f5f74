import { isSnapshotSize } from '../../src/state/snapshots.ts'
import type { VectorCase, VectorFiles } from './file.ts'

const rows: readonly [
  id: string,
  comment: string,
  last: number,
  steps: readonly (readonly [size: number, keys: number])[],
][] = [
  [
    'few-keys',
    'with fewer keys than 10 000 the entries alone decide',
    0,
    [
      [1, 10],
      [9_999, 9_999],
      [10_000, 9_999],
    ],
  ],
  [
    'as-many-keys',
    'at 10 000 keys still',
    0,
    [
      [9_999, 10_000],
      [10_000, 10_000],
    ],
  ],
  [
    'more-keys',
    'with more keys they decide, as they are at that size',
    0,
    [
      [10_000, 10_001],
      [10_001, 10_002],
      [10_002, 10_002],
    ],
  ],
  [
    'keys-fall',
    'keys that go away bring the next snapshot nearer',
    40_000,
    [
      [59_999, 30_000],
      [60_000, 20_001],
      [60_001, 20_001],
    ],
  ],
  [
    'from-the-last',
    'counted from the newest snapshot, not from the start',
    10_007,
    [
      [20_000, 50],
      [20_006, 50],
      [20_007, 50],
    ],
  ],
  [
    'large',
    'as many as there may ever be',
    2 ** 53 - 20_002,
    [
      [2 ** 53 - 10_003, 1],
      [2 ** 53 - 10_002, 1],
    ],
  ],
]

/** At which sizes everyone takes a snapshot of the state. */
export function snapshotVectors(): VectorFiles {
  const cases = rows.map(([id, comment, last, steps]): VectorCase => {
    const judged = steps.map(([size, keys]) => ({ size, keys, due: isSnapshotSize(size, last, keys) }))
    return { id, comment, tags: ['snapshot'], last, steps: judged }
  })
  const about = 'At which sizes everyone takes a snapshot of the state'
  return { 'snapshots.json': { about, cases } }
}
