import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Command, Option } from 'commander'
import type { JsonObject } from '../../../src/canonical.ts'
import type { Signer } from '../../../src/ports.ts'
import { ENTITY_TYPES, type EntityType } from '../../../src/records/names.ts'
import { CodedError } from '../../../src/rejection.ts'
import { signRecord } from '../../api/sign.ts'
import { addCommand, type Call, type Cli, type Outcome, run } from '../command.ts'
import type { NodeOptions } from '../find-node.ts'
import { keyPath, passphraseFor, writeLct } from '../member.ts'
import { addWaitOption, followed, type WaitOptions } from '../submit.ts'

interface BirthOptions extends NodeOptions, WaitOptions {
  readonly key?: string
  readonly type: EntityType
  readonly entity?: string
  readonly rights?: string[]
  readonly responsibilities?: string[]
  readonly passphraseFile?: string
}

function addBirthOptions(command: Command): Command {
  command
    .addOption(new Option('--type <type>', 'what is born').choices(ENTITY_TYPES).default('human'))
    .option('--rights <right...>', 'rights in the certificate')
    .option('--responsibilities <duty...>', 'responsibilities in the certificate')
    .option('--passphrase-file <file>', 'file whose first line opens the key file')
  return addWaitOption(command)
}

/** `web4 member new`: a key and its birth. */
export function member(cli: Cli, program: Command): void {
  const parent = program.command('member').description('members of the society')
  const create = addBirthOptions(addCommand(parent, 'new', 'make a key and ask for a birth'))
    .argument('<name>', 'names the key file, and the entity unless --entity does')
    .option('--entity <text>', 'what identifies the entity; only a keyed hash of it goes into the log')
    .option('--key <file>', 'key file to write; default: keys/<name>.key in the data folder')
  run<BirthOptions>(cli, create, async call => {
    const { args, context, options } = call
    const name = args[0] as string
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) && options.key === undefined) {
      throw new CodedError('BAD_REQUEST', 'a name has letters, digits, dots, - and _; or give --key FILE')
    }
    const path = keyPath(options.key ?? name, options, context.env)
    const client = await call.client()
    // Before a key is made that nobody needs.
    await client.status()
    const { createKeyFile, openKeyFile } = await import('../../keys/keystore.ts')
    const passphrase = await passphraseFor(path, options, context, true)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await createKeyFile(path, 'member', passphrase)
    const entity = options.entity ?? name
    return askForBirth(call, path, await openKeyFile(path, passphrase), entity).catch((error: unknown) => {
      if (!(error instanceof CodedError)) throw error
      const again = `the key stays in ${path}; to ask again: web4 birth --key ${options.key ?? name} --entity ${entity}`
      throw new CodedError(error.code, `${error.message}\n  ${again}`, { cause: error })
    })
  })
}

/** `web4 birth`: for a key that exists. */
export function birth(cli: Cli, program: Command): void {
  const command = addBirthOptions(addCommand(program, 'birth', 'ask for a birth of an existing key'))
    .requiredOption('--key <file>', 'key file, or its name in the keys folder')
    .requiredOption('--entity <text>', 'what identifies the entity; only a keyed hash of it goes into the log')
  run<BirthOptions>(cli, command, async call => {
    const { context, options } = call
    const path = keyPath(options.key as string, options, context.env)
    const { openKeyFile } = await import('../../keys/keystore.ts')
    const signer = await openKeyFile(path, await passphraseFor(path, options, context))
    if (signer.purpose !== 'member')
      throw new CodedError('KEY_FILE', `${path} is the ${signer.purpose} key, not a member's`)
    return askForBirth(call, path, signer, options.entity as string)
  })
}

async function askForBirth(call: Call<BirthOptions>, path: string, signer: Signer, entity: string): Promise<Outcome> {
  const { options, progress } = call
  const client = await call.client()
  const { record, lct } = await client.prepareBirth({
    body: {
      key: signer.key,
      entity_type: options.type,
      entity,
      ...(options.rights === undefined ? {} : { rights: options.rights }),
      ...(options.responsibilities === undefined ? {} : { responsibilities: options.responsibilities }),
    },
  })
  const body = await signRecord(ownBirth(record, signer.key), signer)
  const born = await progress('asking the birth witnesses', client.birth({ body }))
  await writeLct(path, lct)
  const outcome = await followed(call, client, born as Parameters<typeof followed>[2], `birth of ${lct}`)
  return {
    facts: { ...outcome.facts, lct, key: signer.key, file: path },
    text: `${outcome.text}\nkey ${signer.key} in ${path}`,
  }
}

/** A member's key signs its own birth and nothing else that a node puts before it. */
function ownBirth(record: unknown, key: string): JsonObject {
  const { body, kind } = record as { kind?: unknown; body?: { key?: unknown } }
  if (kind !== 'birth' || body?.key !== key)
    throw new CodedError('PEER_GARBAGE', 'the node prepared something else than a birth of this key')
  return record as JsonObject
}
