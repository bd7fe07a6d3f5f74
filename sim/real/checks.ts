import { auditLog } from '../checkers/naive-ledger.ts'
import type { Member, Society } from './found.ts'

/** What the demo checks at the end, from what the nodes answer and nothing else. */

type RawEntries = Parameters<typeof auditLog>[0]

/** Every node computed the same size, root and state digest of every log. */
export async function converged(societies: readonly Society[], signal: AbortSignal): Promise<boolean> {
  for (const { id } of societies) {
    const states = await Promise.all(societies.map(({ node }) => node.client.state({ society: id }, { signal })))
    const facts = new Set(states.map(({ size, root, digest }) => `${size} ${root} ${digest}`))
    if (facts.size !== 1) return false
  }
  return true
}

/** A whole log over the API, in pages. */
export async function readLog(society: Society, signal: AbortSignal): Promise<RawEntries> {
  const entries: RawEntries[number][] = []
  for (;;) {
    const bytes = (await society.node.client.entries(
      { society: society.id, from: entries.length, limit: 1000 },
      { signal },
    )) as Uint8Array
    const page = JSON.parse(new TextDecoder().decode(bytes)) as RawEntries
    if (page.length === 0) return entries
    entries.push(...page)
  }
}

/**
 * The books of every log balance by a second, independent reckoning, every account's lots are what the nodes say, and every
 * node finds what it has stored of each log sound.
 */
export async function conserved(
  societies: readonly Society[],
  members: readonly Member[],
  signal: AbortSignal,
): Promise<{ readonly ok: boolean; readonly counts: Map<string, number> }> {
  const counts = new Map<string, number>()
  let ok = true
  for (const society of societies) {
    const books = auditLog(await readLog(society, signal))
    for (const [kind, count] of books.counts) counts.set(kind, (counts.get(kind) ?? 0) + count)
    ok &&= books.difference === 0n
    for (const { node } of societies)
      ok &&= (await node.client.audit({ body: { society: society.id } }, { signal })).sound
    for (const { lct } of members) {
      const [account] = await society.node.client.accounts({ lct, society: society.id }, { signal })
      const told = (account?.lots ?? []).map(({ origin, principal }) => `${origin}:${principal}`).join(' ')
      const reckoned = (books.lots.get(lct) ?? []).map(([origin, principal]) => `${origin}:${principal}`).join(' ')
      ok &&= told === reckoned
    }
  }
  return { ok, counts }
}
