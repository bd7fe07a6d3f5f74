import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '../../src/rejection.ts'

/** What the operator shows: 256 random bits in the data folder, readable by its owner alone. */
const TOKEN_FILE = 'operator.token'

/** Made at the first start. */
export async function operatorToken(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  try {
    const file = await open(join(dir, TOKEN_FILE), 'wx', 0o600)
    try {
      const token = randomBytes(32).toString('base64url')
      await file.writeFile(`${token}\n`)
      await file.sync()
      return token
    } finally {
      await file.close()
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const token = await readOperatorToken(dir)
  if (token === undefined) throw new CodedError('STORE_CORRUPT', `${TOKEN_FILE} is empty or damaged: delete it`)
  return token
}

/** For clients on the same machine; undefined when there is none or when it is not theirs to read. */
export async function readOperatorToken(dir: string): Promise<string | undefined> {
  const text = await readFile(join(dir, TOKEN_FILE), 'utf8').catch(() => '')
  return /^[A-Za-z0-9_-]{43}\n?$/.test(text) ? text.trimEnd() : undefined
}

/** Whether an Authorization header bears the token, in a time that does not depend on how much of it is right. */
export function bears(header: string | undefined, token: string): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,256})$/i.exec(header ?? '')?.[1]
  // Hashing first makes the lengths equal.
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
