import { type Command, InvalidArgumentError } from 'commander'
import { keyBytes } from '../../../src/encoding.ts'
import { CodedError } from '../../../src/rejection.ts'
import type { Client } from '../../api/client.ts'
import type { GivenUp, OtherHistoryView, ResumePlanView, ResumeProposalView } from '../../resume-desk.ts'
import { addCommand, type Call, type Cli, count, type Outcome, run } from '../command.ts'

interface ResumeOptions {
  readonly size?: number
  readonly root?: string
  readonly from?: string
  readonly yes?: true
  readonly epoch?: number
}

function witnessKey(text: string): string {
  if (keyBytes(text) === undefined) throw new InvalidArgumentError('Give the key of a witness as z6Mk….')
  return text
}

const sizeOf = count(1, Number.MAX_SAFE_INTEGER)

/** Going on from an earlier size after a fork, a void entry or a wrong claim: seen by people on both sides first. */
export function resume(cli: Cli, program: Command): void {
  const parent = addCommand(program, 'resume', 'go on from an earlier size after a fork: shows what is given up first')
    .option('--size <n>', 'how many entries to keep; default: all that this node holds', sizeOf)
    .option('--from <key>', 'keep the history that this witness holds, not the one of this node', witnessKey)
    .option('--yes', 'ask the witnesses to countersign, and go on once q have')
  run<ResumeOptions>(cli, parent, ownResume)
  requests(cli, parent)
  approve(cli, parent)
  dropped(cli, parent)
}

async function ownResume(call: Call<ResumeOptions>): Promise<Outcome> {
  const { options, progress } = call
  const client = await call.client()
  if (options.from !== undefined) return otherHistory(call, client, options.from)
  const plan = (await client.resumePlan(options.size === undefined ? {} : { size: options.size })) as ResumePlanView
  if (options.yes !== true) {
    const again = `web4 resume --size ${plan.size} --yes`
    return { facts: plan, text: `${planText(plan)}\n\nNothing has been done. To go on: ${again}` }
  }
  const work = client.resume({ body: { size: plan.size, root: plan.root } })
  const { seq, view } = await progress('asking the witnesses', work)
  return {
    facts: { seq, view },
    text: `${planText(plan)}\n\nresumed: entry ${seq} begins epoch ${view.epoch}; nothing signed before it about more than ${plan.size} entries counts any more`,
  }
}

/** After a restored backup: the witnesses hold what it had forgotten. */
async function otherHistory(call: Call<ResumeOptions>, client: Client, witness: string): Promise<Outcome> {
  const { options, progress } = call
  const size = options.size === undefined ? {} : { size: options.size }
  const shown = (await client.resumePlanFrom({ witness, ...size })) as OtherHistoryView
  if (options.yes !== true) {
    const again = `web4 resume --from ${witness} --size ${shown.size} --yes`
    return { facts: shown, text: `${historyText(shown)}\n\nNothing has been done. To go over: ${again}` }
  }
  const { epoch, root, society } = shown
  const work = client.resumeAdopt({ body: { witness, epoch, root, size: shown.size, society } })
  const adopted = (await progress('fetching that history', work)) as OtherHistoryView
  return {
    facts: adopted,
    text: `${historyText(adopted)}\n\nThis node holds it now. To resume it: web4 resume --size ${shown.size} --yes`,
  }
}

function historyText(shown: OtherHistoryView): string {
  return [
    `${shown.society}: a history that this node does not hold`,
    `keeps     ${shown.size} entries, root ${shown.root}`,
    `shared    ${shown.common} entries, ${shown.final} of them final`,
    `gives up  ${shown.given_up.count} entries held here`,
    ...entryLines(shown.given_up),
  ].join('\n')
}

function requests(cli: Cli, parent: Command): void {
  run(
    cli,
    addCommand(parent, 'requests', 'resumes that other societies asked this witness to countersign'),
    async ({ client }) => {
      const found = (await (await client()).resumeProposals({})) as readonly ResumeProposalView[]
      const text = found.map(proposalText).join('\n\n')
      return { facts: { requests: found }, text: found.length === 0 ? 'none' : text }
    },
  )
}

function approve(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'approve', 'countersign a resume; this witness cosigns nothing more of the epoch')
    .argument('<society>')
    .requiredOption('--size <n>', 'repeats the size that the request keeps', sizeOf)
    .option('--root <hash>', 'repeats its root; needed when a script does it unseen')
  run<ResumeOptions>(cli, command, async ({ args, client, options }) => {
    const node = await client()
    const found = (await node.resumeProposals({})) as readonly ResumeProposalView[]
    const wanted = found.find(({ society }) => society === args[0])
    if (wanted === undefined) throw new CodedError('NOT_FOUND', `no resume of ${args[0]} was asked for`)
    const { epoch, society } = wanted
    const body = { epoch, society, root: options.root ?? wanted.root, size: options.size as number }
    const approved = (await node.resumeApprove({ body })) as ResumeProposalView
    return {
      facts: approved,
      text: `${proposalText(approved)}\n\nIts operator can now run \`web4 resume\` again to collect the signature.`,
    }
  })
}

function dropped(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'dropped', 'entries that were given up here when an epoch ended')
    .argument('<society>')
    .option('--epoch <n>', 'the epoch that ended', count(0, 256), 0)
  run<ResumeOptions>(cli, command, async ({ args, client, options }) => {
    const epoch = options.epoch ?? 0
    const entries = await (await client()).dropped({ society: args[0] as string, epoch })
    const text = entriesText({ count: entries.length, entries })
    return { facts: { society: args[0], epoch, entries }, text: entries.length === 0 ? 'none' : text }
  })
}

const causes = {
  fork: 'the log has two histories',
  void: 'the log holds an entry that breaks a rule',
  claim: 'the log claims a state that is not the one computed here',
} as const

function planText(plan: ResumePlanView): string {
  const signed = plan.witnesses.filter(witness => witness.signed).length
  return [
    `${plan.society}: ${causes[plan.cause]}`,
    `keeps     ${plan.size} entries, root ${plan.root}`,
    `final     ${plan.final} entries; none of them can be given up`,
    `gives up  ${plan.given_up.count} entries held here`,
    ...entryLines(plan.given_up),
    `witnesses ${signed} of the ${plan.quorum} needed have countersigned`,
    ...plan.witnesses.map(witness => {
      const state = witness.signed ? 'countersigned' : (witness.refused ?? 'not asked yet')
      const convicted = witness.convicted ? ', cosigned both histories' : ''
      return `          ${witness.key} ${state}; cosigned ${witness.cosigned} entries of this history${convicted}`
    }),
  ].join('\n')
}

function proposalText(proposal: ResumeProposalView): string {
  const { approved, cause, epoch, final, given_up, here, root, size, society } = proposal
  return [
    `${society}: ${causes[cause]}; its epoch ${epoch} would begin after ${size} entries`,
    `keeps     ${size} entries, root ${root}`,
    `here      ${here} entries, ${final} of them final`,
    `gives up  ${given_up.count} entries held here`,
    ...entryLines(given_up),
    approved ? 'approved' : `to agree: web4 resume approve ${society} --size ${size}`,
  ].join('\n')
}

function entryLines(givenUp: GivenUp): string[] {
  return givenUp.count === 0 ? [] : entriesText(givenUp).split('\n')
}

function entriesText({ count: all, entries }: GivenUp): string {
  const lines = entries.map(({ author, id, kind, seq }) => `          ${seq} ${kind} ${id} by ${author}`)
  return [...lines, ...(all > entries.length ? [`          and ${all - entries.length} more`] : [])].join('\n')
}
