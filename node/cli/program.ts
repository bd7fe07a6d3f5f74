import { Command, CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { CodedError } from '../../src/rejection.ts'
import { type Cli, reportError } from './command.ts'
import { atp } from './commands/atp.ts'
import { attest } from './commands/attest.ts'
import { demo } from './commands/demo.ts'
import { genesis } from './commands/genesis.ts'
import { init, invitation } from './commands/init.ts'
import { keys } from './commands/keys.ts'
import { law } from './commands/law.ts'
import { log } from './commands/log.ts'
import { birth, member } from './commands/member.ts'
import { observer } from './commands/observer.ts'
import { override } from './commands/override.ts'
import { pay } from './commands/pay.ts'
import { payments } from './commands/payments.ts'
import { peers } from './commands/peers.ts'
import { block, follow, policy, unfollow, witness } from './commands/policy.ts'
import { proof } from './commands/proof.ts'
import { resume } from './commands/resume.ts'
import { society } from './commands/society.ts'
import { start } from './commands/start.ts'
import { status } from './commands/status.ts'
import { verify } from './commands/verify.ts'
import { verifyTlog } from './commands/verify-tlog.ts'
import type { CliContext } from './context.ts'

/** In the order of the help. */
const commands = [
  demo,
  init,
  start,
  observer,
  invitation,
  genesis,
  status,
  follow,
  unfollow,
  witness,
  block,
  policy,
  society,
  law,
  member,
  birth,
  atp,
  pay,
  payments,
  attest,
  log,
  proof,
  verify,
  verifyTlog,
  peers,
  keys,
  resume,
  override,
]

/** Runs one command line; the number is the exit code: 0 done, 1 refused or failed, 2 a mistake on the command line. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const cli: Cli = { context, exitCode: 0 }
  const program = createProgram(cli)
  try {
    await program.parseAsync(argv, { from: 'user' })
    return cli.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return usage(error, argv, context)
    // What an option's value was refused for.
    if (error instanceof CodedError) return reportError(context, error, argv.includes('--json'))
    // A bug: the code for people, the trace for whoever repairs it.
    const trace = error instanceof Error ? (error.stack ?? error.message) : String(error)
    context.stderr(`${trace}\n`)
    return reportError(
      context,
      new CodedError('INTERNAL', 'a fault of this program', { cause: error }),
      argv.includes('--json'),
    )
  }
}

function createProgram(cli: Cli): Command {
  const { stderr, stdout } = cli.context
  const program = new Command('web4')
    .description('Societies with signed transparency logs, final by the word of others.')
    .version(packageJson.version)
    .exitOverride()
    // `web4 peers connect X --json` is for connect, though peers has the option too.
    .enablePositionalOptions()
    .configureOutput({ writeOut: text => stdout(text), writeErr: text => stderr(text) })
    .showHelpAfterError('(web4 help COMMAND shows what it takes)')
  for (const add of commands) add(cli, program)
  return program
}

/** Commander has told the person already. */
function usage(error: CommanderError, argv: readonly string[], context: CliContext): number {
  if (error.exitCode === 0) return 0
  if (argv.includes('--json')) {
    const detail = error.message.replace(/^error: /, '')
    context.stdout(`${JSON.stringify({ error: { code: 'BAD_REQUEST', w4: 'W4_ERR_PROTO_FORMAT', detail } })}\n`)
  }
  return 2
}
