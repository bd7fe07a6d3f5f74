import { readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import sodium from 'sodium-native'
import { keyBytes, toBase64url } from '../../src/encoding.ts'
import type { Signer, SocietyKeys } from '../../src/ports.ts'
import { CodedError } from '../../src/rejection.ts'
import type { KeysState } from '../../src/state/model.ts'
import type { HashText, KeyText } from '../../src/units.ts'
import { sha256, softwareSigner } from '../crypto/sodium.ts'
import { type CreateKeyOptions, createKeyFile, readSeed, syncDirectory, writeNew } from './keystore.ts'

/** A change of the society key that is ready to be written into the log. */
export interface Rotation {
  /** The key whose hash the log holds as the next one; from here on it can sign. */
  readonly key: KeyText
  /** The commitment to the key after it. */
  readonly next: HashText
}

/** The society keys of a node, and how one follows the other. */
export interface SocietyRing extends SocietyKeys {
  /** What a new charter names: the key that signs it, and the commitment to the one after it. */
  readonly founding: { readonly signer: Signer; readonly next: HashText }
  /**
   * Brings the next key into reach and makes the one after it, both on the disk before anybody hears of them. `next`: what
   * the log has committed to. Throws KEY_FILE, KEY_FILE_MODE or PASSPHRASE when the next key is not at hand.
   */
  prepare(next: HashText): Promise<Rotation>
  /** The log refused the change: what `prepare` wrote is removed. Never after an answer that leaves it open. */
  abandon(rotation: Rotation): Promise<void>
  /** Gives the files the names that fit what the log says; whatever was interrupted before is finished. */
  settle(keys: KeysState): Promise<void>
}

export function commitmentOf(key: KeyText): HashText {
  return toBase64url(sha256(keyBytes(key) as Uint8Array))
}

/**
 * The ring as files. At rest: `society.key` signs; `next.key` is the one that comes, `next.pub` its public half. While a
 * rotation is under way: `society.new.key` is next.key under its new purpose, `next.new.key` and `.pub` the one after it. A
 * retired key stays as `society.<n>.old.key`: should the log be resumed from before the rotation, it signs again.
 * Which file is which is decided by the keys in them and by the log, never by how far a rename came.
 */
export class SocietyKeyFiles implements SocietyRing {
  readonly #folder: string
  readonly #passphrase: string
  readonly #options: Pick<CreateKeyOptions, 'kdf'>
  readonly #signers = new Map<KeyText, Signer>()
  #founding: SocietyRing['founding'] | undefined

  private constructor(folder: string, passphrase: string, options: Pick<CreateKeyOptions, 'kdf'>) {
    this.#options = options
    this.#folder = folder
    this.#passphrase = passphrase
  }

  /** Makes a society key and a next key where there are none. */
  static async open(
    folder: string,
    passphrase: string,
    options: Pick<CreateKeyOptions, 'kdf'> = {},
  ): Promise<SocietyKeyFiles> {
    const files = new SocietyKeyFiles(folder, passphrase, options)
    const names = await readdir(folder)
    // A folder in the middle of a rotation has no society.key for a moment; a new one would be of no use to its log.
    if (!names.some(name => /^society(?:\..*)?\.key$/.test(name)))
      await createKeyFile(files.#path('society.key'), 'society', passphrase, options)
    const [newest] = await Promise.all(['society.key', 'society.new.key'].map(name => files.#load(name)))
    const next = await files.#nextPublic()
    if (newest !== undefined) files.#founding = { signer: newest, next: commitmentOf(next) }
    return files
  }

  get held(): readonly KeyText[] {
    return [...this.#signers.keys()]
  }

  get founding(): SocietyRing['founding'] {
    if (this.#founding === undefined)
      throw new CodedError('KEY_FILE', `${this.#path('society.key')} is missing: a rotation was interrupted`)
    return this.#founding
  }

  signerFor(key: KeyText): Signer | undefined {
    return this.#signers.get(key)
  }

  async prepare(next: HashText): Promise<Rotation> {
    const known = await this.#publicOf('society.new.key')
    // Left over from an attempt whose outcome nobody saw: the same two keys serve again.
    const begun = known !== undefined && commitmentOf(known) === next ? known : undefined
    const key = begun ?? (await this.#reseal(next))
    await this.#load('society.new.key')
    let after = await readLine(this.#path('next.new.pub'))
    // A commitment to a key that nobody holds would end the society's rotations.
    if (begun === undefined || after === undefined || (await this.#publicOf('next.new.key')) !== after) {
      await this.#remove('next.new.pub', 'next.new.key')
      after = await createKeyFile(this.#path('next.new.key'), 'next', this.#passphrase, this.#options)
      await writeNew(this.#path('next.new.pub'), `${after}\n`)
    }
    return { key, next: commitmentOf(after) }
  }

  /** next.key under the purpose that lets it sign for the society. */
  async #reseal(next: HashText): Promise<KeyText> {
    const name = await this.#nameOf(key => commitmentOf(key) === next)
    if (name === undefined) {
      const held = await this.#publicOf('next.key')
      const said = held === undefined ? 'is not there' : `holds ${held}, which the log has not committed to`
      throw new CodedError('KEY_FILE', `${this.#path('next.key')} ${said}; --next brings the next key from elsewhere`)
    }
    const { seed } = await readSeed(this.#path(name), this.#passphrase)
    try {
      await this.#remove('society.new.key')
      return await createKeyFile(this.#path('society.new.key'), 'society', this.#passphrase, { ...this.#options, seed })
    } finally {
      sodium.sodium_memzero(seed)
    }
  }

  async abandon({ key }: Rotation): Promise<void> {
    this.#signers.delete(key)
    await this.#remove('society.new.key', 'next.new.pub', 'next.new.key')
  }

  async settle({ next, society }: KeysState): Promise<void> {
    if (!this.#signers.has(society)) await this.#find(society)
    if ((await this.#publicOf('society.new.key')) === society) {
      if ((await this.#publicOf('society.key')) !== undefined)
        await rename(this.#path('society.key'), this.#path(await this.#freeName('society')))
      await rename(this.#path('society.new.key'), this.#path('society.key'))
    }
    const after = await readLine(this.#path('next.new.pub'))
    if (after !== undefined && commitmentOf(after) === next) {
      const held = await this.#publicOf('next.key')
      // What the file held is society.key now.
      if (held === society) await this.#remove('next.key')
      if ((await this.#publicOf('next.new.key')) !== undefined) {
        // One that a dropped rotation had committed to.
        if (held !== undefined && held !== society)
          await rename(this.#path('next.key'), this.#path(await this.#freeName('next')))
        await rename(this.#path('next.new.key'), this.#path('next.key'))
      }
      await rename(this.#path('next.new.pub'), this.#path('next.pub'))
    }
    await syncDirectory(this.#folder)
  }

  /** The key in force may lie in a file of another name: after a resume, or when files were moved by hand. */
  async #find(key: KeyText): Promise<void> {
    const name = await this.#nameOf(held => held === key)
    if (name === undefined) return
    const { seed } = await readSeed(this.#path(name), this.#passphrase)
    this.#signers.set(key, softwareSigner(seed))
    sodium.sodium_memzero(seed)
  }

  /** Of the files that hold a key of the society, at whatever stage. */
  async #nameOf(isWanted: (key: KeyText) => boolean): Promise<string | undefined> {
    for (const name of await readdir(this.#folder)) {
      const key = /^(?:society|next)(?:\..*)?\.key$/.test(name) ? await this.#publicOf(name) : undefined
      if (key !== undefined && isWanted(key)) return name
    }
    return undefined
  }

  async #load(name: string): Promise<Signer | undefined> {
    if ((await this.#publicOf(name)) === undefined) return undefined
    const { key, purpose, seed } = await readSeed(this.#path(name), this.#passphrase)
    try {
      if (purpose !== 'society')
        throw new CodedError('KEY_FILE', `${this.#path(name)} is a ${purpose} key, not a society key`)
      const signer = softwareSigner(seed)
      this.#signers.set(key, signer)
      return signer
    } finally {
      sodium.sodium_memzero(seed)
    }
  }

  /** The public half of the next key. The private one may be offline; `next.pub` stays. */
  async #nextPublic(): Promise<KeyText> {
    const path = this.#path('next.pub')
    const known = await readLine(path)
    if (known !== undefined) return known
    // The power may have failed between the two files.
    const key =
      (await this.#publicOf('next.key')) ??
      (await createKeyFile(this.#path('next.key'), 'next', this.#passphrase, this.#options))
    await writeNew(path, `${key}\n`)
    return key
  }

  /** The key that a key file says it holds; undefined when there is no such file. */
  async #publicOf(name: string): Promise<KeyText | undefined> {
    const path = this.#path(name)
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw new CodedError('KEY_FILE', `cannot read ${path}`, { cause: error })
    })
    if (text === undefined) return undefined
    try {
      const { key } = JSON.parse(text) as { readonly key?: unknown }
      if (typeof key === 'string') return key
    } catch {
      // Said below.
    }
    throw new CodedError('KEY_FILE', `${path} is not a key file`)
  }

  async #freeName(what: 'next' | 'society'): Promise<string> {
    const names = await readdir(this.#folder)
    let n = 1
    while (names.includes(`${what}.${n}.old.key`)) n++
    return `${what}.${n}.old.key`
  }

  async #remove(...names: readonly string[]): Promise<void> {
    for (const name of names) await rm(this.#path(name), { force: true })
    await syncDirectory(this.#folder)
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }
}

async function readLine(path: string): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new CodedError('KEY_FILE', `cannot read ${path}`, { cause: error })
  })
  return text?.trim()
}
