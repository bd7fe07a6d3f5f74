import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8Encode } from '../src/canonical.ts'
import type { Signer } from '../src/ports.ts'
import { CodedError } from '../src/rejection.ts'
import type { HashText } from '../src/units.ts'
import { hmacRef } from './crypto/entity-ref.ts'
import { createKeyFile, openKeyFile } from './keys/keystore.ts'
import { SocietyKeyFiles, type SocietyRing } from './keys/society-ring.ts'

/**
 * What a node keeps beside its store: three keys in three files, the transport's seed, and the salt of entity names. The
 * next key is only read for its public half until a rotation: its file belongs offline.
 */
export interface NodeKeys {
  /** Absent: an observer. */
  readonly society?: SocietyRing
  readonly witness: Signer
  readonly transportSeed: Uint8Array
  /** One-way name of an entity: HMAC under a salt that is never in a store or a backup of it. */
  readonly entityRef: (entity: string) => Promise<HashText>
}

/** Opens the keys, and makes those that are missing; of an observer only the two by which it says who it is. */
export async function openNodeKeys(
  dir: string,
  passphrase: () => Promise<string>,
  { observer = false }: { readonly observer?: boolean } = {},
): Promise<NodeKeys> {
  const keys = join(dir, 'keys')
  await mkdir(keys, { recursive: true, mode: 0o700 })
  if (observer && (await exists(join(keys, 'society.key'))))
    throw new CodedError('KEY_FILE', `${dir} is the folder of a society: \`web4 start\` runs it, or give another --dir`)
  const secret = await passphrase()
  const [society, witness] = await Promise.all([
    observer ? undefined : SocietyKeyFiles.open(keys, secret),
    openOrCreate(join(keys, 'witness.key'), 'witness', secret),
  ])
  const transportSeed = await secretFile(join(keys, 'transport.seed'))
  const salt = () => secretFile(join(keys, 'entity.salt'))
  if (society !== undefined) await salt()
  return {
    ...(society === undefined ? {} : { society }),
    witness,
    transportSeed,
    entityRef: async entity => hmacRef(await salt(), utf8Encode(entity)),
  }
}

/** Of the public witness: made when that is first turned on. Its signature says less than the witness key's, so it is no copy of it. */
export async function openPublicWitnessKey(dir: string, passphrase: () => Promise<string>): Promise<Signer> {
  const keys = join(dir, 'keys')
  await mkdir(keys, { recursive: true, mode: 0o700 })
  return openOrCreate(join(keys, 'public-witness.key'), 'public-witness', await passphrase())
}

async function openOrCreate(path: string, purpose: string, passphrase: string): Promise<Signer> {
  if (!(await exists(path))) await createKeyFile(path, purpose, passphrase)
  const signer = await openKeyFile(path, passphrase)
  if (signer.purpose !== purpose)
    throw new CodedError('KEY_FILE', `${path} is a ${signer.purpose} key, not a ${purpose} key`)
  return signer
}

/** 32 random bytes, made once, readable by nobody else. */
async function secretFile(path: string): Promise<Uint8Array> {
  if (!(await exists(path))) await writeSecret(path, `${randomBytes(32).toString('base64url')}\n`)
  if (((await stat(path)).mode & 0o077) !== 0)
    throw new CodedError('KEY_FILE_MODE', `${path} is readable by others: chmod 600 ${path}`)
  const bytes = Buffer.from((await readFile(path, 'utf8')).trim(), 'base64url')
  if (bytes.length !== 32) throw new CodedError('KEY_FILE', `${path} does not hold 32 bytes`)
  return new Uint8Array(bytes)
}

async function writeSecret(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
