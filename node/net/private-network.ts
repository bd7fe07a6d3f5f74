import { readFile, stat } from 'node:fs/promises'
import { CodedError } from '../../src/rejection.ts'

/** The file as other software of this kind writes it: two header lines, then 32 bytes in hex. */
const SWARM_KEY = /^\/key\/swarm\/psk\/1\.0\.0\/\r?\n\/base16\/\r?\n[0-9a-f]{64}(?:\r?\n)?$/i
/** The longest that the form allows is some 100 bytes. */
const FILE_BYTES_MAX = 1_024

/** The bytes of a private network's key file. Everything that is not exactly such a key is refused: a node must not start in the open by mistake. */
export async function readNetworkKey(path: string): Promise<Uint8Array> {
  let bytes: Uint8Array
  try {
    const { mode, size } = await stat(path)
    if ((mode & 0o077) !== 0) throw new CodedError('KEY_FILE_MODE', `${path} is readable by others: chmod 600 ${path}`)
    if (size > FILE_BYTES_MAX) throw damaged(path, `${size} bytes`)
    bytes = new Uint8Array(await readFile(path))
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw new CodedError('NETWORK_KEY', `${path} cannot be read`, { cause: error })
  }
  if (!SWARM_KEY.test(Buffer.from(bytes).toString('latin1'))) throw damaged(path, 'another form')
  return bytes
}

function damaged(path: string, why: string): CodedError {
  return new CodedError(
    'NETWORK_KEY',
    `${path} is no key of a private network (${why}): it has the lines /key/swarm/psk/1.0.0/ and /base16/, then 64 hex digits`,
  )
}
