import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import sodium from 'sodium-native'
import type { Signer } from '../../src/ports.ts'
import { CodedError } from '../../src/rejection.ts'
import type { KeyText } from '../../src/units.ts'
import { generateSeed, softwareSigner } from '../crypto/sodium.ts'
import { type KdfCost, type OpenedKey, openSealedKey, sealKey } from './sealed-key.ts'

/** A key file has about 500 bytes. */
const FILE_BYTES_MAX = 16 * 1024
const GROUP_AND_OTHERS = 0o077

export interface CreateKeyOptions {
  /** Another cost than the default. */
  readonly kdf?: KdfCost
  /** An existing private key; a new one if absent. */
  readonly seed?: Uint8Array
}

/** Writes a new key file, readable by its owner alone, and returns the public key. Never overwrites a file. */
export async function createKeyFile(
  path: string,
  purpose: string,
  passphrase: string,
  options: CreateKeyOptions = {},
): Promise<KeyText> {
  const seed = options.seed === undefined ? generateSeed() : Uint8Array.from(options.seed)
  try {
    const sealed = await sealKey(seed, purpose, passphrase, options.kdf)
    await writeNew(path, `${JSON.stringify(sealed, undefined, 2)}\n`)
    return sealed.key
  } finally {
    sodium.sodium_memzero(seed)
  }
}

/** A signer with the key of the file. The caller checks that `purpose` is the one it needs. */
export async function openKeyFile(path: string, passphrase: string): Promise<Signer & { readonly purpose: string }> {
  const { purpose, seed } = await readSeed(path, passphrase)
  try {
    return { purpose, ...softwareSigner(seed) }
  } finally {
    sodium.sodium_memzero(seed)
  }
}

/** The private key itself, for export. Everything else uses `openKeyFile`. */
export async function readSeed(path: string, passphrase: string): Promise<OpenedKey> {
  const text = await readPrivate(path)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CodedError('KEY_FILE', `${path} is not JSON`, { cause })
  }
  try {
    return await openSealedKey(value, passphrase)
  } catch (error) {
    if (error instanceof CodedError)
      throw new CodedError(error.code, `${path}: ${error.message}`, { cause: error.cause })
    throw error
  }
}

/** Mode and content come from one open file, so that nobody can exchange it between the two. */
async function readPrivate(path: string): Promise<string> {
  const file = await open(path, 'r').catch(cause => {
    throw new CodedError('KEY_FILE', `cannot open the key file ${path}`, { cause })
  })
  try {
    const { mode, size } = await file.stat()
    // Windows has no such bits; there the directory's access list protects the file.
    if (process.platform !== 'win32' && (mode & GROUP_AND_OTHERS) !== 0) {
      const bits = (mode & 0o777).toString(8)
      throw new CodedError('KEY_FILE_MODE', `others can access ${path} (mode ${bits}); run: chmod 600 ${path}`)
    }
    if (size > FILE_BYTES_MAX) throw new CodedError('KEY_FILE', `${path} is too large for a key file`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** The whole file or none, also after a power cut. An empty file reserves the name, so that two creators cannot both win. */
export async function writeNew(path: string, text: string): Promise<void> {
  const reserved = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'EEXIST' ? 'exists; a key file is never overwritten' : 'cannot be created'
    throw new CodedError('KEY_FILE', `${path} ${reason}`, { cause })
  })
  await reserved.close()
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    await rm(path, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes the new name durable. Windows cannot open a directory and needs no such call. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
