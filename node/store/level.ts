import { Level } from 'level'
import type { Store, StoreBatchOptions, StoreOp, StoreRange, StoreReader, StoreSnapshot } from '../../src/ports.ts'
import { CodedError } from '../../src/rejection.ts'
import { holds } from '../../src/store/expect.ts'
import { levelError } from './level-error.ts'
import { assertFolderWhole, syncLogs } from './level-files.ts'

export interface LevelStoreOptions {
  /**
   * Bytes gathered in memory before LevelDB writes a table; it holds at most two such buffers. An entry with its state, tree and index
   * is about 4 KB, so LevelDB's own default of 4 MB would flush every thousand entries. With 16 MB, 50 000 values of 4 KB were written
   * three times as fast (1.6 s, not 5.0 s), and opening again took 0.2 s.
   */
  readonly writeBufferSize?: number
  /** Bytes of uncompressed blocks kept for reading: the state of the accounts in use. LevelDB's own default is 8 MB. */
  readonly cacheSize?: number
}

const MIB = 1024 * 1024
const WRITE_BUFFER_BYTES = 16 * MIB
const CACHE_BYTES = 32 * MIB
/** One crossing into native code while iterating. LevelDB's default of 16 KB would fetch a large entry at a time. */
const READ_AHEAD_BYTES = 256 * 1024
/** Limit of one merged write, LevelDB's own figure for the groups that it forms inside. */
const GROUP_BYTES_MAX = MIB

type Database = Level<string, Uint8Array>
type Snapshot = ReturnType<Database['snapshot']>

interface Waiting {
  readonly ops: readonly StoreOp[]
  readonly options: StoreBatchOptions
  readonly resolve: (held: boolean) => void
  readonly reject: (error: CodedError) => void
}

/** Opens or creates the LevelDB folder at `path`. Throws STORE_LOCKED, STORE_CORRUPT, STORE_FULL or STORE_FAILED. */
export async function openLevelStore(path: string, options: LevelStoreOptions = {}): Promise<Store> {
  try {
    await assertFolderWhole(path)
    const db: Database = new Level(path, {
      keyEncoding: 'utf8',
      valueEncoding: 'view',
      writeBufferSize: options.writeBufferSize ?? WRITE_BUFFER_BYTES,
      cacheSize: options.cacheSize ?? CACHE_BYTES,
    })
    await db.open()
    return new LevelStore(db, path)
  } catch (error) {
    const coded = levelError(error, `cannot open the store at ${path}`)
    if (coded.code !== 'STORE_LOCKED') throw coded
    throw new CodedError('STORE_LOCKED', `another process has the store at ${path} open`, { cause: error })
  }
}

/**
 * One write is in flight at a time: LevelDB would take concurrent ones in any order. What queues up meanwhile goes out as one write.
 * After a failed write nothing more is written, since LevelDB cannot say what reached the disk; opening again shows it.
 */
class LevelStore implements Store {
  readonly #db: Database
  readonly #path: string
  readonly #queue: Waiting[] = []
  #writing: Promise<void> | undefined
  #failure: CodedError | undefined
  #closing: Promise<void> | undefined
  /** Something was written since the last sync. */
  #unsynced = false

  constructor(db: Database, path: string) {
    this.#db = db
    this.#path = path
  }

  async getMany(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.#assertOpen()
    return getMany(this.#db, keys)
  }

  async *range(range: StoreRange): AsyncIterable<readonly [string, Uint8Array]> {
    this.#assertOpen()
    yield* iterate(this.#db, range)
  }

  async batch(ops: readonly StoreOp[], options: StoreBatchOptions): Promise<boolean> {
    this.#assertOpen()
    if (this.#failure !== undefined) throw this.#failure
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    this.#queue.push({ ops, options, resolve, reject })
    this.#writing ??= this.#drain()
    return promise
  }

  async snapshot(): Promise<StoreSnapshot> {
    this.#assertOpen()
    return snapshotOf(this.#db)
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<void> {
    await this.#writing
    try {
      await this.#db.close()
    } catch (error) {
      throw levelError(error)
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new CodedError('STORE_CLOSED')
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, groupLength(this.#queue))
      try {
        const held = await this.#write(group)
        for (const [index, waiting] of group.entries()) waiting.resolve(held[index] === true)
      } catch (error) {
        const failure = levelError(error)
        this.#failure = failure
        for (const waiting of [...group, ...this.#queue.splice(0)]) waiting.reject(failure)
      }
    }
    this.#writing = undefined
  }

  /** Which of the group held, as if each had been written before the next was compared. */
  async #write(group: readonly Waiting[]): Promise<boolean[]> {
    const keys = group.flatMap(({ options }) => (options.expect ?? []).map(([key]) => key))
    const values = keys.length === 0 ? [] : await getMany(this.#db, keys)
    const current = new Map(keys.map((key, index) => [key, values[index]]))
    // Filled call by call: an array of operations costs half as much again, since all its objects are cloned and taken apart.
    const batch = this.#db.batch()
    let sync = false
    const held = group.map(waiting => {
      if (!holds(waiting.options.expect, key => current.get(key))) return false
      for (const op of waiting.ops) {
        if (op.type === 'put') batch.put(op.key, op.value)
        else batch.del(op.key)
        if (current.has(op.key)) current.set(op.key, op.type === 'put' ? op.value : undefined)
      }
      sync ||= waiting.options.sync
      return true
    })
    if (batch.length === 0) {
      await batch.close()
      return held
    }
    if (sync && this.#unsynced) await syncLogs(this.#path)
    await batch.write({ sync })
    this.#unsynced = !sync
    return held
  }
}

/** How many waiting batches go out together: those that ask for nothing (sync, comparison) that the first does not wait for anyway. */
function groupLength(queue: readonly Waiting[]): number {
  if (queue.length === 1) return 1
  const first = queue[0]?.options
  let bytes = 0
  const end = queue.findIndex(({ ops, options }, index) => {
    for (const op of ops) bytes += op.key.length + (op.type === 'put' ? op.value.length : 0)
    const asksMore =
      (options.sync && first?.sync !== true) || (options.expect !== undefined && first?.expect === undefined)
    return index > 0 && (asksMore || bytes > GROUP_BYTES_MAX)
  })
  return end === -1 ? queue.length : end
}

function snapshotOf(db: Database): StoreSnapshot {
  const snapshot = db.snapshot()
  const reader: StoreReader = {
    getMany: keys => getMany(db, keys, snapshot),
    range: range => iterate(db, range, snapshot),
  }
  return { ...reader, close: () => snapshot.close() }
}

async function getMany(
  db: Database,
  keys: readonly string[],
  snapshot?: Snapshot,
): Promise<(Uint8Array | undefined)[]> {
  try {
    // The declared type leaves out what is documented: undefined for a key that is not there.
    const values: (Uint8Array | undefined)[] = await db.getMany([...keys], { snapshot })
    return values.map(value => (value === undefined ? undefined : plain(value)))
  } catch (error) {
    throw levelError(error)
  }
}

async function* iterate(
  db: Database,
  range: StoreRange,
  snapshot?: Snapshot,
): AsyncGenerator<readonly [string, Uint8Array]> {
  try {
    const iterator = db.iterator({ ...range, snapshot, highWaterMarkBytes: READ_AHEAD_BYTES })
    for await (const [key, value] of iterator) yield [key, plain(value)]
  } catch (error) {
    throw levelError(error)
  }
}

/** LevelDB gives Buffers, whose `slice` and `toString` differ from those of the Uint8Array that the port promises. */
function plain(value: Uint8Array): Uint8Array {
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
}
