import type { Command } from 'commander'
import type { RecordView } from '../../service.ts'
import { addCommand, type Cli, count, keyList, run } from '../command.ts'
import { EVIDENCE_HELP, evidenceOf } from '../evidence.ts'
import { addWaitOption, followed, type WaitOptions } from '../submit.ts'

interface FoundOptions {
  readonly witness?: readonly string[]
  readonly birthWitness?: readonly string[]
  readonly birthQuorum?: number
  readonly quorum?: number
}

interface PolicyOptions {
  readonly follow?: true
  readonly witness?: true
  readonly block?: true
}

/** What the operator does for the society of the node. */
export function society(cli: Cli, program: Command): void {
  const parent = program.command('society').description('found a society, and its relations with others')
  found(cli, parent)
  policy(cli, parent)
  relations(cli, parent)
}

function found(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'found', 'found the society of this node; the witnesses are asked for consent')
    .argument('<slug>', 'short name in its id')
    .option('--witness <key>', 'makes entries final; can be repeated, none makes a practice log', keyList)
    .option('--birth-witness <key>', 'may witness births; can be repeated', keyList)
    .option('--birth-quorum <n>', 'witnesses of a birth', count(1, 15))
    .option('--quorum <n>', 'how many witnesses make an entry final', count(0, 15))
  run<FoundOptions>(cli, command, async ({ args, client, options, progress }) => {
    const body = {
      slug: args[0] as string,
      witnesses: options.witness ?? [],
      birth_witnesses: options.birthWitness ?? [],
      ...(options.birthQuorum === undefined ? {} : { birth_quorum: options.birthQuorum }),
      ...(options.quorum === undefined ? {} : { quorum: options.quorum }),
    }
    const facts = await progress(
      'asking the witnesses',
      client().then(node => node.genesis({ body })),
    )
    return { facts, text: `founded ${facts.society}` }
  })
}

function policy(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'policy', 'what this node does for a society; what is not named is off')
    .argument('<society>')
    .option('--follow', 'hold and verify its log')
    .option('--witness', 'cosign its log')
    .option('--block', 'no dealings')
  run<PolicyOptions>(cli, command, async ({ args, client, options }) => {
    const id = args[0] as string
    const chosen = { follow: options.follow === true, witness: options.witness === true, block: options.block === true }
    const view = await (await client()).policy({ body: { society: id, policy: chosen } })
    const words = Object.entries(chosen).flatMap(([name, on]) => (on ? [name] : []))
    return { facts: { society: id, policy: chosen, view }, text: `${id}: ${words.join(', ') || 'nothing'}` }
  })
}

function relations(cli: Cli, parent: Command): void {
  const recognize = addCommand(parent, 'recognize', 'recognise the charter and handovers of a society').argument(
    '<society>',
  )
  run<WaitOptions>(cli, addWaitOption(recognize), async call => {
    const id = call.args[0] as string
    const client = await call.client()
    const record = await call.progress('making the record', client.recognize({ body: { society: id } }))
    return followed(call, client, record as RecordView, `recognised ${id}`)
  })
  const block = addCommand(parent, 'block', 'end relations with a society; accounts stay')
    .argument('<society>')
    .option('--evidence <hash>', EVIDENCE_HELP)
  run<WaitOptions & { readonly evidence?: string }>(cli, addWaitOption(block), async call => {
    const id = call.args[0] as string
    const { evidence } = call.options
    const client = await call.client()
    const body = { society: id, ...(evidence === undefined ? {} : { evidence: await evidenceOf(evidence) }) }
    return followed(call, client, (await client.block({ body })) as RecordView, `blocked ${id}`)
  })
  const introduce = addCommand(parent, 'introduce', 'register a foreign LCT, so that it can be paid here').argument(
    '<lct>',
  )
  run<WaitOptions>(cli, addWaitOption(introduce), async call => {
    const lct = call.args[0] as string
    const client = await call.client()
    const record = await call.progress('asking its home society', client.introduce({ body: { lct } }))
    return followed(call, client, record as RecordView, `introduced ${lct}`)
  })
}
