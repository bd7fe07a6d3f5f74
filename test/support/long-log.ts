import { SNAPSHOT_ENTRIES_MIN } from '../../src/limits.ts'
import { federation } from './federation.ts'
import type { TestSociety } from './society.ts'

/** A log of cheap entries up to `size`, the charter among them; default: the first size above 0 of which a snapshot is taken. */
export function longLog(size: number = SNAPSHOT_ENTRIES_MIN): TestSociety {
  const log = federation({ societies: 2, recognised: false })[0] as TestSociety
  growTo(log, size)
  return log
}

export function growTo(log: TestSociety, size: number): void {
  while (log.size < size) log.append({ kind: 'atp.mint', body: { amount: 1 } })
}
