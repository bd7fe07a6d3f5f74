import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Bundle } from '../../../src/log/bundle.ts'
import { CodedError } from '../../../src/rejection.ts'
import type { Client } from '../../api/client.ts'
import { addCommand, type Cli, run } from '../command.ts'

interface ProofOptions {
  readonly out?: string
  readonly tlogProof?: boolean
}

export function proof(cli: Cli, program: Command): void {
  const command = addCommand(program, 'proof', 'bundle that proves a final record, or the birth of an LCT, offline')
    .argument('<id>', 'record id, or LCT')
    .option('--out <file>', 'write it there instead of to stdout')
    .option('--tlog-proof', 'as a C2SP tlog-proof: no chain from the charter, the entry as its extra data')
  run<ProofOptions>(cli, command, async ({ args, client: find, options, progress }) => {
    const id = args[0] as string
    const client = await find()
    const bytes =
      options.tlogProof === true
        ? await progress('making the proof', tlogProof(client, id))
        : await progress('making the bundle', bundle(client, id))
    // Byte for byte, without a line end: it would be one byte too many for `web4 verify`.
    if (options.out === undefined) return { facts: {}, text: '', bytes }
    await writeFile(options.out, bytes).catch(cause => {
      throw new CodedError('BAD_REQUEST', `cannot write ${options.out}`, { cause })
    })
    return { facts: { id, file: options.out, bytes: bytes.length }, text: `${bytes.length} bytes in ${options.out}` }
  })
}

function bundle(client: Client, id: string): Promise<Uint8Array> {
  return id.startsWith('lct:') ? client.certificate({ id }) : client.proof({ id })
}

/** The node makes that of a record; that of a birth is in the LCT's bundle. */
async function tlogProof(client: Client, id: string): Promise<Uint8Array> {
  const { utf8Encode } = await import('../../../src/canonical.ts')
  if (!id.startsWith('lct:')) return utf8Encode(await client.tlogProof({ id }))
  const { tlogProofOf } = await import('../../../src/log/c2sp/bundle-proof.ts')
  const { formatTlogProof } = await import('../../../src/log/c2sp/tlog-proof.ts')
  const proof = tlogProofOf(JSON.parse(new TextDecoder().decode(await bundle(client, id))) as Bundle)
  if (!proof.ok) throw new CodedError(proof.error.code, proof.error.detail)
  return utf8Encode(formatTlogProof(proof.value))
}
