import { homeOf } from '../../../src/records/names.ts'
import { type Code, CodedError } from '../../../src/rejection.ts'
import type { RecordId } from '../../../src/units.ts'
import type { News, Payment } from '../payment.ts'
import { retried, type Way } from './way.ts'

/** The payee's node is told of a payment that is final. It is paid whatever comes of this. */

/** What proves it, or the payee's node, may need a moment. */
const SOON: ReadonlySet<Code> = new Set(['NOT_FINAL', 'STARTING'])
const SOON_MS = 5_000

const UNREACHABLE: ReadonlySet<Code> = new Set([
  'PEER_UNREACHABLE',
  'PEER_SILENT',
  'NODE_UNREACHABLE',
  'NOT_FINAL',
  'STARTING',
])
const BLOCKED: ReadonlySet<Code> = new Set(['PEER_DENIED', 'PEER_BLOCKED'])

export interface Heard {
  readonly news: News
  /** Why not, where a node refused. */
  readonly code?: Code
}

/**
 * Undefined: a payment within one society needs no news. What was heard is noted with the payment, and after `final` nobody
 * is asked any more. `begin`: how to reach the node, which may fail as everything here may.
 */
export async function tell(payment: Payment, begin: () => Promise<Way>): Promise<Heard | undefined> {
  const { done, news, terms } = payment
  if (done === undefined || homeOf(terms.to) === homeOf(terms.from)) return undefined
  if (news === 'final') return { news }
  const heard = await ask(done, begin)
  await payment.told(heard.news)
  return heard
}

async function ask(record: RecordId, begin: () => Promise<Way>): Promise<Heard> {
  try {
    const way = await begin()
    const asked = () => way.client.notice({ body: { record } })
    const { status } = await retried(way, "telling the payee's node", SOON, asked, SOON_MS)
    return { news: status === 'final' ? 'final' : 'not-final-for-them' }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    const { code } = error
    return { news: UNREACHABLE.has(code) ? 'unreachable' : BLOCKED.has(code) ? 'blocked' : 'refused', code }
  }
}

export function newsText({ done, name, named }: Payment, { code, news }: Heard): string {
  // Without an --id the same command would be another payment.
  const again = named ? 'run the same command again' : `\`web4 payments tell ${name}\` tries again`
  const proof = `hand them the proof (web4 proof ${done})`
  const texts: Readonly<Record<News, string>> = {
    final: "final for the payee's node",
    'not-final-for-them': `the payee's node does not accept enough of our witnesses: it has to follow more of their societies; then ${again}`,
    unreachable: `the payee's node cannot be reached${code === undefined ? '' : ` (${code})`}: ${again}, or ${proof}`,
    blocked: `the payee's node wants no dealings with this society${code === undefined ? '' : ` (${code})`}: ${proof}`,
    refused: `the payee's node refuses the proof${code === undefined ? '' : ` (${code})`}: ${again}, or ${proof}`,
  }
  return texts[news]
}
