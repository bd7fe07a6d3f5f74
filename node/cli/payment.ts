import { hash } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { canonicalText, type JsonObject } from '../../src/canonical.ts'
import { CodedError } from '../../src/rejection.ts'
import { formatAtp, type HashText, type LctId, type MicroAtp, type RecordId } from '../../src/units.ts'
import { type SignedRecord, submissionOf } from '../api/sign.ts'

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

interface PaymentState {
  readonly v: 1
  readonly terms: PaymentTerms
  /** The last one is in force; those before it can never enter the log. */
  readonly records: readonly SignedRecord[]
  /** Final, with this record. */
  readonly done?: RecordId
}

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export class Payment {
  readonly #path: string
  readonly #folder: string
  /** With a name of its own it is paid once, ever; without, the same terms may be paid again after the first is final. */
  readonly #named: boolean
  #state: PaymentState

  private constructor(path: string, folder: string, named: boolean, state: PaymentState) {
    this.#path = path
    this.#folder = folder
    this.#named = named
    this.#state = state
  }

  /** The payment that is open under this name, or with these terms; else a new one. To be closed. */
  static async open(dir: string, terms: PaymentTerms, id: string | undefined): Promise<Payment> {
    if (id !== undefined && !ID.test(id))
      throw new CodedError('BAD_REQUEST', 'a payment id has up to 64 letters, digits, dots, - and _')
    const folder = join(dir, 'payments')
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const text = canonicalText(terms as unknown as JsonObject)
    const path = join(folder, id === undefined ? `open-${hash('sha256', text, 'hex').slice(0, 32)}` : `id-${id}`)
    await lock(path)
    try {
      const held = await read(`${path}.json`)
      if (held !== undefined && canonicalText(held.terms as unknown as JsonObject) !== text)
        throw new CodedError(
          'PAYMENT_ID',
          `${id} is a payment of ${formatAtp(held.terms.amount)} ATP to ${held.terms.to}`,
        )
      return new Payment(path, folder, id !== undefined, held ?? { v: 1, terms, records: [] })
    } catch (error) {
      await rm(`${path}.lock`, { force: true })
      throw error
    }
  }

  async close(): Promise<void> {
    await rm(`${this.#path}.lock`, { force: true })
  }

  get record(): SignedRecord | undefined {
    return this.#state.records.at(-1)
  }

  get done(): RecordId | undefined {
    return this.#state.done
  }

  /** From here on this record, and no other one, is sent. */
  async adopt(record: SignedRecord): Promise<void> {
    await this.#write({ ...this.#state, records: [...this.#state.records, record] })
  }

  async finish(done: RecordId): Promise<void> {
    await this.#write({ ...this.#state, done })
    if (!this.#named) await rename(`${this.#path}.json`, join(this.#folder, `done-${done}.json`))
  }

  async #write(state: PaymentState): Promise<void> {
    const temporary = `${this.#path}.tmp`
    const file = await open(temporary, 'w', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(state)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, `${this.#path}.json`)
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

/** One run at a time: two of them could each find the record dead and make a new one. */
async function lock(path: string): Promise<void> {
  const own = `${path}.${process.pid}.pid`
  const file = await open(own, 'w', 0o600)
  await file.writeFile(`${process.pid}`).finally(() => file.close())
  try {
    for (let turn = 0; turn < 2; turn++) {
      const taken = await link(own, `${path}.lock`).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false
          throw error
        },
      )
      if (taken) return
      const pid = Number(await readFile(`${path}.lock`, 'utf8').catch(() => '0'))
      if (isRunning(pid)) throw new CodedError('PAYMENT_BUSY', `process ${pid} works on it`)
      await rm(`${path}.lock`, { force: true })
    }
    throw new CodedError('PAYMENT_BUSY')
  } finally {
    await rm(own, { force: true })
  }
}

function isRunning(pid: number): boolean {
  if (pid === 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
