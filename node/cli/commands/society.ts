import type { Command } from 'commander'
import type { RecordView } from '../../service.ts'
import { addCommand, type Cli, type Outcome, run, together } from '../command.ts'
import { EVIDENCE_HELP, evidenceOf } from '../evidence.ts'
import { namedSociety, SOCIETY_HELP } from '../named-society.ts'
import { addWaitOption, followed, type WaitOptions } from '../submit.ts'

/** What the operator does for the society of the node. */
export function society(cli: Cli, program: Command): void {
  const parent = program.command('society').description("the society's relations with others, as records in its log")
  relations(cli, parent)
}

function relations(cli: Cli, parent: Command): void {
  const recognize = addCommand(parent, 'recognize', 'recognise the charter, and then each handover, of a society')
  recognize.argument('<society...>', SOCIETY_HELP)
  run<WaitOptions>(cli, addWaitOption(recognize), async call => {
    const client = await call.client()
    const outcomes: Outcome[] = []
    for (const text of call.args) {
      const id = await namedSociety(client, text)
      const record = await call.progress('making the record', client.recognize({ body: { society: id } }))
      outcomes.push(await followed(call, client, record as RecordView, `recognised ${id}`))
    }
    return together(outcomes)
  })
  const block = addCommand(parent, 'block', 'end relations with a society; accounts stay')
    .argument('<society>', SOCIETY_HELP)
    .option('--evidence <hash>', EVIDENCE_HELP)
  run<WaitOptions & { readonly evidence?: string }>(cli, addWaitOption(block), async call => {
    const { evidence } = call.options
    const client = await call.client()
    const id = await namedSociety(client, call.args[0] as string)
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
