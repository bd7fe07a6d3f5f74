import { utf8Encode } from '../../src/canonical.ts'

/** As many pairs as wanted in byte order of the keys: `k/00000017` and the square of 17. */
export function* numberedPairs(count: number): Generator<readonly [key: string, value: Uint8Array]> {
  for (let i = 0; i < count; i++) yield [`k/${String(i).padStart(8, '0')}`, utf8Encode(String(i * i))]
}
