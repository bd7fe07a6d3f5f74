import { readFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import { addCommand, type Cli, run } from '../command.ts'

interface VerifyTlogOptions {
  readonly logKey: string
  readonly witnessKey?: readonly string[]
  readonly quorum?: number
}

/** Offline, by keys that the reader brings: a tlog-proof carries no chain from a charter. */
export function verifyTlog(cli: Cli, program: Command): void {
  const command = addCommand(program, 'verify-tlog', 'check a C2SP tlog-proof offline, by keys that you name', false)
    .argument('<file>')
    .requiredOption('--log-key <vkey>', "the log's verifier key; its name is the origin")
    .option('--witness-key <vkey>', 'a witness whose word you take; can be repeated', list)
    .option('--quorum <n>', 'how many of them must have signed; default: all', count)
  run<VerifyTlogOptions>(cli, command, async ({ args, options }) => {
    const text = await readFile(args[0] as string, 'utf8').catch(cause => {
      throw new CodedError('BAD_REQUEST', `cannot read ${args[0]}`, { cause })
    })
    const { parseTlogProof, verifyTlogProof } = await import('../../../src/log/c2sp/tlog-proof.ts')
    const { formatVerifierKey, parseVerifierKey } = await import('../../../src/log/c2sp/verifier-key.ts')
    const { leafHash } = await import('../../../src/log/merkle.ts')
    const { sha256, verifySync } = await import('../../crypto/sodium.ts')
    const keyOf = (vkey: string) => {
      const key = parseVerifierKey(vkey, sha256)
      if (key === undefined) throw new CodedError('BAD_REQUEST', `no Ed25519 verifier key: ${vkey}`)
      return key
    }
    const log = keyOf(options.logKey)
    const witnesses = (options.witnessKey ?? []).map(keyOf)
    const proof = parseTlogProof(text)
    if (!proof.ok) throw new CodedError(proof.error.code, proof.error.detail)
    const { extra, index, note } = proof.value
    if (extra === undefined) throw new CodedError('TLOG_FORMAT', 'no extra data: the entry is not in the file')
    const policy = { origin: log.name, log, witnesses, quorum: options.quorum ?? witnesses.length }
    const checked = verifyTlogProof(proof.value, leafHash(extra, sha256), policy, { verify: verifySync, sha256 })
    if (!checked.ok) throw new CodedError(checked.error.code, checked.error.detail)
    const { origin, size } = note.checkpoint
    const entry = new TextDecoder().decode(extra)
    const signed = checked.value.map(formatVerifierKey)
    const words = `entry ${index} of ${origin}, below ${size}, signed by the log and ${signed.length} of your witnesses`
    return { facts: { valid: true, origin, index, size, signed, entry }, text: `${words}\n${entry}` }
  })
}

function list(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

function count(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError('Give a number.')
  return Number(text)
}
