import assert from 'node:assert/strict'
import type { JsonObject } from '../../src/canonical.ts'
import type { Fate, Moment } from './api-proxy.ts'
import type { PaymentNodes, Terms } from './payment-nodes.ts'
import type { Command, Ended } from './real-command.ts'

/** A payment whose command or nodes die on the way, and what everybody must say of it in the end. */

/** More starts of one command than any payment here has moments at which something can die. */
const RUNS_MAX = 80

export interface Strike {
  readonly dies: (moment: Moment) => boolean
  readonly kill: (moment: Moment, command: Command) => Fate | Promise<Fate>
  /** What is to be said of the command that ended then, and what begins again. */
  readonly mend: (ended: Ended, name: string) => void | Promise<void>
}

export interface Paid {
  readonly payment: string
  readonly record: string
  readonly news: string
  readonly error?: { readonly code: string }
}

export const answerOf = ({ stdout }: Ended) => JSON.parse(stdout) as Paid
export const nameOf = ({ step, when }: Moment) => `${step} ${when}`

/** Found by what was signed. */
export function transfers(scene: PaymentNodes, home: number, amount: number): Promise<readonly JsonObject[]> {
  return scene.records(home, 'atp.transfer', body => body.amount === amount * 1_000_000)
}

/** The payer's log has one such transfer, and every node says of it: this record, in this entry, final, by whom to whom. */
export async function assertAgreed(
  scene: PaymentNodes,
  home: number,
  terms: Terms,
  { record }: Pick<Paid, 'record'>,
): Promise<void> {
  const { amount, payer, to } = terms
  await scene.final()
  assert.equal((await transfers(scene, home, amount)).length, 1)
  const { seq } = await scene.society(home).node.client.record({ id: record })
  const from = payer.lct
  const expected = { society: scene.society(home).id, seq, record, from, amount: amount * 1_000_000 }
  for (const { client } of scene.nodes) {
    const view = await client.record({ id: record })
    assert.deepEqual([view.status, view.seq, view.final_for_us], ['final', seq, true])
    const listed = (await client.payments({ to })).filter(payment => payment.amount === expected.amount)
    assert.deepEqual(
      listed.map(({ time: _, atp: _atp, to: _to, ...facts }) => facts),
      [{ ...expected, final: true, final_for_us: true }],
    )
  }
}

/** What comes before a transfer stands in the payer's log once, however often it was asked for. */
export async function assertMadeOnce(scene: PaymentNodes, home: number, { to }: Terms): Promise<void> {
  const { id } = scene.society(home + 1)
  const recognised = await scene.records(home, 'peer.recognize', ({ peer }) => peer === id)
  const introduced = await scene.records(home, 'introduce', body => (body.standing as JsonObject).lct === to)
  assert.deepEqual([recognised.length, introduced.length], [1, 1])
}

/**
 * Runs the command until it is paid and the payee knows. At each moment that `dies` picks, the first time that it comes,
 * `kill` strikes; `mend` is called when the command has ended then. Gives what the last run said, and the moments.
 */
export async function through(
  scene: PaymentNodes,
  [home, terms, id]: readonly [home: number, terms: Terms, id: string],
  strike: Strike,
): Promise<{ readonly paid: Paid; readonly met: readonly string[] }> {
  const met: string[] = []
  for (let run = 0; run < RUNS_MAX; run++) {
    let now: string | undefined
    scene.proxy(home).at = moment => {
      const name = nameOf(moment)
      if (now !== undefined || met.includes(name) || !strike.dies(moment)) return 'goes on'
      now = name
      met.push(name)
      return strike.kill(moment, command)
    }
    const command: Command = scene.pay(home, terms, id)
    const ended = await command.ended
    if (now === undefined) {
      assert.equal(ended.code, 0, `${ended.stderr}\nafter ${met.join(', ')}`)
      const paid = answerOf(ended)
      assert.equal(paid.news, 'final')
      return { paid, met }
    }
    await strike.mend(ended, now)
    assert.ok((await transfers(scene, home, terms.amount)).length <= 1, `twice after ${now}`)
  }
  throw new Error(`not paid after ${met.join(', ')}`)
}
