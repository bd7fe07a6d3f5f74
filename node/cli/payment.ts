import { hash } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalText, type JsonObject } from '../../src/canonical.ts'
import { type Code, CodedError } from '../../src/rejection.ts'
import { formatAtp, type HashText, type LctId, type MicroAtp, type RecordId } from '../../src/units.ts'
import { type SignedRecord, submissionOf } from '../api/sign.ts'
import { takeLock } from './payment-lock.ts'

/**
 * What a payment remembers between two runs of `web4 pay`: its signed record, on the disk before anybody is sent it. A run
 * that finds it sends the same record again, which a log takes once. A new record is made only when the old one can never
 * enter the log any more.
 */

export interface PaymentTerms {
  readonly amount: MicroAtp
  readonly from: LctId
  readonly memo?: HashText
  readonly to: LctId
}

/** What the payee's node says of it; `unreachable`: nothing so far. */
export type News = 'final' | 'not-final-for-them' | 'unreachable' | 'blocked' | 'refused'

/** Why a payment can never happen any more. */
export interface Death {
  readonly code: Code
  readonly why: string
}

interface PaymentState {
  readonly v: 1
  readonly terms: PaymentTerms
  /** The last one is in force; those before it can never enter the log. */
  readonly records: readonly SignedRecord[]
  /** Final, with this record. */
  readonly done?: RecordId
  /** As heard last; absent: nobody was asked. */
  readonly news?: News
  /** Given up: no record is made or sent any more. */
  readonly cancelled?: true
  readonly dead?: Death
}

/** `cancelling`: given up, but its signed record may still enter the log. */
export type PaymentStatus = 'open' | 'paid' | 'dead' | 'cancelling' | 'cancelled' | 'damaged'

export interface PaymentFacts {
  /** What `web4 payments` calls it: the --id, or the name of its file. */
  readonly name: string
  readonly state: PaymentStatus
  readonly terms?: PaymentTerms
  readonly record?: RecordId
  readonly news?: News
  readonly why?: string
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const SUFFIX = '.json'

export class Payment {
  readonly #folder: string
  readonly #lock: string
  /** With a name of its own it is paid once, ever; without, the same terms may be paid again after the first is final. */
  readonly #named: boolean
  /** Of its file, without the suffix. */
  #stem: string
  #state: PaymentState

  private constructor(folder: string, stem: string, state: PaymentState) {
    this.#folder = folder
    this.#lock = join(folder, stem)
    this.#named = stem.startsWith('id-')
    this.#stem = stem
    this.#state = state
  }

  /** The payment that is open under this name, or with these terms; else a new one. To be closed. */
  static async open(dir: string, terms: PaymentTerms, id: string | undefined): Promise<Payment> {
    if (id !== undefined && !ID.test(id))
      throw new CodedError('BAD_REQUEST', 'a payment id has up to 64 letters, digits, dots, - and _')
    const text = canonicalText(terms as unknown as JsonObject)
    const stem = id === undefined ? `open-${hash('sha256', text, 'hex').slice(0, 32)}` : `id-${id}`
    return Payment.#locked(dir, stem, held => {
      if (held !== undefined && canonicalText(held.terms as unknown as JsonObject) !== text)
        throw new CodedError(
          'PAYMENT_ID',
          `${id} is a payment of ${formatAtp(held.terms.amount)} ATP to ${held.terms.to}`,
        )
      return held ?? { v: 1, terms, records: [] }
    })
  }

  /** The payment that `web4 payments` calls so, or that was paid with this record. NOT_FOUND. To be closed. */
  static async find(dir: string, name: string): Promise<Payment> {
    const stems = await stemsOf(folderOf(dir))
    const stem = [`id-${name}`, name, `done-${name}`].find(candidate => stems.includes(candidate))
    if (stem === undefined) throw new CodedError('NOT_FOUND', `no payment ${name}: \`web4 payments\` lists them`)
    return Payment.#locked(dir, stem, held => {
      if (held === undefined) throw new CodedError('NOT_FOUND', `no payment ${name}`)
      return held
    })
  }

  static async #locked(
    dir: string,
    stem: string,
    begin: (held: PaymentState | undefined) => PaymentState,
  ): Promise<Payment> {
    const folder = folderOf(dir)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await takeLock(join(folder, stem))
    try {
      const payment = new Payment(folder, stem, begin(await read(join(folder, stem + SUFFIX))))
      // A run that was cut off between the last write and the new name.
      await payment.#putAway()
      return payment
    } catch (error) {
      await rm(`${join(folder, stem)}.lock`, { force: true })
      throw error
    }
  }

  /** All of the folder, in the order of their names; nothing is locked or written. */
  static async list(dir: string): Promise<readonly PaymentFacts[]> {
    const folder = folderOf(dir)
    return Promise.all(
      (await stemsOf(folder)).map(async stem => {
        const name = stem.replace(/^id-/, '')
        const state = await read(join(folder, stem + SUFFIX)).catch(() => undefined)
        return state === undefined ? { name, state: 'damaged' as const } : { name, ...factsOf(state) }
      }),
    )
  }

  async close(): Promise<void> {
    await rm(`${this.#lock}.lock`, { force: true })
  }

  /** What it is called where it is spoken of. */
  get name(): string {
    return this.#stem.replace(/^id-/, '')
  }
  get named(): boolean {
    return this.#named
  }
  get terms(): PaymentTerms {
    return this.#state.terms
  }
  get record(): SignedRecord | undefined {
    return this.#state.records.at(-1)
  }
  get done(): RecordId | undefined {
    return this.#state.done
  }
  get news(): News | undefined {
    return this.#state.news
  }
  get cancelled(): boolean {
    return this.#state.cancelled === true
  }
  get dead(): Death | undefined {
    return this.#state.dead
  }

  /** From here on this record, and no other one, is sent. */
  async adopt(record: SignedRecord): Promise<void> {
    await this.#write({ ...this.#state, records: [...this.#state.records, record] })
  }

  async finish(done: RecordId): Promise<void> {
    await this.#write({ ...this.#state, done })
    await this.#putAway()
  }

  async told(news: News): Promise<void> {
    await this.#write({ ...this.#state, news })
  }

  /** From here on nothing is made or sent any more. */
  async cancel(): Promise<void> {
    await this.#write({ ...this.#state, cancelled: true })
  }

  async die(dead: Death): Promise<void> {
    await this.#write({ ...this.#state, dead })
    await this.#putAway()
  }

  /** One without a name of its own makes room for another payment of these terms, once nothing can become of it. */
  async #putAway(): Promise<void> {
    const { dead, done, records } = this.#state
    if (this.#named || !this.#stem.startsWith('open-') || (done === undefined && dead === undefined)) return
    const last = records.at(-1)
    const mark = done ?? (last === undefined ? this.#stem.slice('open-'.length) : recordIdOf(last))
    const stem = `${done === undefined ? 'dead' : 'done'}-${mark}`
    await rename(join(this.#folder, this.#stem + SUFFIX), join(this.#folder, stem + SUFFIX))
    this.#stem = stem
  }

  async #write(state: PaymentState): Promise<void> {
    const path = join(this.#folder, this.#stem)
    const file = await open(`${path}.tmp`, 'w', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(state)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.tmp`, path + SUFFIX)
    const folder = await open(this.#folder, 'r')
    await folder.sync().finally(() => folder.close())
    this.#state = state
  }
}

export function recordIdOf({ record }: SignedRecord): RecordId {
  return hash('sha256', canonicalText(record), 'base64url')
}

export function bytesOf(signed: SignedRecord): Uint8Array {
  return submissionOf(signed)
}

function folderOf(dir: string): string {
  return join(dir, 'payments')
}

async function stemsOf(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return files
    .filter(file => /^(?:id|open|done|dead)-.*\.json$/.test(file))
    .map(file => file.slice(0, -SUFFIX.length))
    .sort()
}

function factsOf({ cancelled, dead, done, news, records, terms }: PaymentState): Omit<PaymentFacts, 'name'> {
  const last = records.at(-1)
  const record = done ?? (last === undefined ? undefined : recordIdOf(last))
  const ended = cancelled === true ? 'cancelled' : 'dead'
  const open = cancelled === true ? 'cancelling' : 'open'
  return {
    state: done !== undefined ? 'paid' : dead !== undefined ? ended : open,
    terms,
    ...(record === undefined ? {} : { record }),
    ...(news === undefined ? {} : { news }),
    ...(dead === undefined ? {} : { why: dead.why }),
  }
}

async function read(path: string): Promise<PaymentState | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  try {
    const state = JSON.parse(text) as PaymentState
    if (state.v === 1) return state
  } catch {
    // Said below.
  }
  // Paying again because a note is unreadable would be paying twice.
  throw new CodedError('STORE_CORRUPT', `${path} is damaged: look into the log whether this was paid, then delete it`)
}
