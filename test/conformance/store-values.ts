import type { StoreOp, StoreRange, StoreReader } from '../../src/ports.ts'

/** Texts in and out of a store, for tests. */
export const durable = { sync: true }
export const everything: StoreRange = { gte: '', lt: '\u0080' }

export const bytes = (text: string) => new TextEncoder().encode(text)
export const put = (key: string, value = key): StoreOp => ({ type: 'put', key, value: bytes(value) })
export const del = (key: string): StoreOp => ({ type: 'del', key })
export const text = (value: Uint8Array | undefined) =>
  value === undefined ? undefined : new TextDecoder().decode(value)

export async function valuesOf(reader: StoreReader, ...keys: string[]): Promise<(string | undefined)[]> {
  return (await reader.getMany(keys)).map(text)
}

export async function pairsOf(
  reader: StoreReader,
  range: StoreRange = everything,
): Promise<(readonly [string, string | undefined])[]> {
  const pairs: (readonly [string, string | undefined])[] = []
  for await (const [key, value] of reader.range(range)) pairs.push([key, text(value)])
  return pairs
}

export async function keysOf(reader: StoreReader, range: StoreRange = everything): Promise<string[]> {
  return (await pairsOf(reader, range)).map(([key]) => key)
}
