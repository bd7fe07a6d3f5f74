import { equals } from 'uint8arrays/equals'
import type { StoreBatchOptions } from '../ports.ts'

/** The compare half of compare-and-set, one rule for every store. */
export function holds(expect: StoreBatchOptions['expect'], read: (key: string) => Uint8Array | undefined): boolean {
  return (expect ?? []).every(([key, wanted]) => {
    const found = read(key)
    return wanted === undefined || found === undefined ? wanted === found : equals(wanted, found)
  })
}
