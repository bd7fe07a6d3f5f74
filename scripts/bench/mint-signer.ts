import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { judgeConsent } from '../../src/driver/consent.ts'
import { signRecord } from '../../src/driver/issue.ts'
import type { Sig } from '../../src/records/types.ts'
import { signBatch } from './batch-sign.ts'
import { createBenchNode, storedUpTo } from './bench-node.ts'
import { type FromSigner, memberOf, type SignerTask, type SignQuestion } from './mint-messages.ts'

/** Another process that signs births: all members in one, or the witness of one society, whose node follows the log. */

type SignAll = (question: SignQuestion) => Promise<readonly Sig[]>

function membersOf(count: number): SignAll {
  const keys = Array.from({ length: count }, (_, index) => memberOf(index))
  // Each has a key of its own: there is nothing to batch.
  return ({ from, records }) =>
    Promise.all(records.map((record, index) => signRecord(record, keys[from + index] ?? memberOf(from + index))))
}

/** A witness signs what its own replica would accept, by the very check of the countersign stream. */
async function witnessOf({
  address,
  size,
  society,
  witness,
}: Extract<SignerTask, { witness: string }>): Promise<SignAll> {
  const dir = mkdtempSync(join(tmpdir(), 'web4-bench-'))
  process.on('exit', () => rmSync(dir, { recursive: true }))
  const node = await createBenchNode({ dir, slug: witness, flags: { verify_workers: '1' } })
  await node.start()
  const { federation, service } = node
  await federation.setPolicy(society, { follow: true, witness: true, block: false })
  const stored = storedUpTo(await federation.follow(society), size)
  const dialled = await service.operator.connect(address)
  if (!dialled.ok) throw new Error(dialled.error.code)
  await stored
  const { witnessSigner } = federation.ports
  return async ({ batch, records }) => {
    for (const record of records) {
      const refused = await judgeConsent(federation, record, '')
      if (refused !== undefined) throw new Error(`${refused.code} ${refused.detail ?? ''}`)
    }
    return batch
      ? signBatch(records, witnessSigner)
      : Promise.all(records.map(record => signRecord(record, witnessSigner)))
  }
}

async function main(task: SignerTask): Promise<void> {
  const sign = 'members' in task ? membersOf(task.members) : await witnessOf(task)
  process.on('message', (question: SignQuestion) => {
    void sign(question).then(sigs => tell({ signed: { id: question.id, sigs } }))
  })
  process.on('disconnect', () => process.exit())
  tell({ ready: true })
}

function tell(message: FromSigner): void {
  process.send?.(message)
}

await main(JSON.parse(process.argv[2] ?? '') as SignerTask)
