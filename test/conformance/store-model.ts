import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Store, StoreOp, StoreRange, StoreReader } from '../../src/ports.ts'

/** A store as anyone would write it who does not care for speed: a Map, sorted at each reading. */
class NaiveStore {
  readonly #pairs: Map<string, Uint8Array>

  constructor(pairs: Iterable<readonly [string, Uint8Array]> = []) {
    this.#pairs = new Map(pairs)
  }

  batch({ ops, expect }: ModelBatch): boolean {
    const held = expect.every(([key, wanted]) => hex(this.#pairs.get(key)) === hex(wanted))
    for (const op of held ? ops : []) {
      if (op.type === 'put') this.#pairs.set(op.key, op.value)
      else this.#pairs.delete(op.key)
    }
    return held
  }

  getMany(keys: readonly string[]): (Uint8Array | undefined)[] {
    return keys.map(key => this.#pairs.get(key))
  }

  range({ gte, lt, reverse, limit }: StoreRange): (readonly [string, Uint8Array])[] {
    const sorted = [...this.#pairs].filter(([key]) => key >= gte && key < lt).sort(([a], [b]) => (a < b ? -1 : 1))
    return (reverse ? sorted.toReversed() : sorted).slice(0, limit)
  }

  copy(): NaiveStore {
    return new NaiveStore(this.#pairs)
  }
}

interface ModelBatch {
  readonly ops: readonly StoreOp[]
  readonly sync: boolean
  readonly expect: readonly (readonly [string, Uint8Array | undefined])[]
}

type Action =
  /** All called in one go, without waiting for each other. */
  | { readonly type: 'batches'; readonly batches: readonly ModelBatch[] }
  | { readonly type: 'range'; readonly range: StoreRange }
  | { readonly type: 'getMany'; readonly keys: readonly string[] }
  | { readonly type: 'snapshot' }

/** Short keys that meet often, some a prefix of others, with the lowest and highest ASCII characters. */
const shortKey = fc.string({ unit: fc.constantFrom('a', 'b', '/', '0', ' ', '~', '\u0001'), maxLength: 3 })
const shortValue = fc.uint8Array({ maxLength: 2 })
const batch: fc.Arbitrary<ModelBatch> = fc.record({
  ops: fc.array(
    fc.oneof(
      fc.record({ type: fc.constant('put' as const), key: shortKey, value: shortValue }),
      fc.record({ type: fc.constant('del' as const), key: shortKey }),
    ),
    { maxLength: 6 },
  ),
  sync: fc.boolean(),
  expect: fc.array(fc.tuple(shortKey, fc.option(shortValue, { nil: undefined, freq: 1 })), { maxLength: 1 }),
})
const range: fc.Arbitrary<StoreRange> = fc.record(
  { gte: shortKey, lt: shortKey, reverse: fc.boolean(), limit: fc.nat({ max: 4 }) },
  { requiredKeys: ['gte', 'lt'] },
)
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ type: fc.constant('batches' as const), batches: fc.array(batch, { minLength: 1, maxLength: 8 }) }),
  fc.record({ type: fc.constant('range' as const), range }),
  fc.record({ type: fc.constant('getMany' as const), keys: fc.array(shortKey, { maxLength: 4 }) }),
  fc.record({ type: fc.constant('snapshot' as const) }),
)

/** `fresh` gives the store and a key prefix that no earlier run used. */
export function storeModelProperty(fresh: () => { store: Store; prefix: string }) {
  return fc.asyncProperty(fc.array(action, { maxLength: 25 }), async actions => {
    const { store, prefix } = fresh()
    const model = new NaiveStore()
    const frozen: [NaiveStore, Awaited<ReturnType<Store['snapshot']>>][] = []
    for (const each of actions) {
      if (each.type === 'batches') await compareBatches(store, model, prefix, each.batches)
      else if (each.type === 'range') await compareRange(store, model, prefix, each.range)
      else if (each.type === 'getMany') await compareMany(store, model, prefix, each.keys)
      else frozen.push([model.copy(), await store.snapshot()])
    }
    const whole = { gte: '', lt: '\u007f' }
    for (const [copy, snapshot] of frozen) {
      await compareRange(snapshot, copy, prefix, whole)
      await snapshot.close()
    }
    await compareRange(store, model, prefix, whole)
  })
}

async function compareBatches(
  store: Store,
  model: NaiveStore,
  prefix: string,
  batches: readonly ModelBatch[],
): Promise<void> {
  const calls = batches.map(({ ops, sync, expect }) =>
    store.batch(
      ops.map(op => ({ ...op, key: prefix + op.key })),
      // An empty `expect` is left out now and then, since stores may treat the two apart.
      {
        sync,
        ...(expect.length + ops.length > 0 && { expect: expect.map(([key, value]) => [prefix + key, value] as const) }),
      },
    ),
  )
  assert.deepEqual(
    await Promise.all(calls),
    batches.map(each => model.batch(each)),
  )
}

async function compareRange(
  reader: StoreReader,
  model: NaiveStore,
  prefix: string,
  { gte, lt, ...rest }: StoreRange,
): Promise<void> {
  const found: (readonly [string, string | undefined])[] = []
  for await (const [key, value] of reader.range({ gte: prefix + gte, lt: prefix + lt, ...rest })) {
    found.push([key.slice(prefix.length), hex(value)])
  }
  assert.deepEqual(
    found,
    model.range({ gte, lt, ...rest }).map(([key, value]) => [key, hex(value)]),
  )
}

async function compareMany(
  reader: StoreReader,
  model: NaiveStore,
  prefix: string,
  keys: readonly string[],
): Promise<void> {
  const found = await reader.getMany(keys.map(key => prefix + key))
  assert.deepEqual(found.map(hex), model.getMany(keys).map(hex))
}

function hex(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString('hex')
}
