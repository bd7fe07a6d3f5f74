import type { Json } from '../../src/canonical.ts'
import type { LawPlanView, LawView } from '../law-office.ts'
import type { FinalityFacts } from '../service.ts'

/** Laws and their changes in words. */

export function lawText({ amend, finality, keys, law, society }: LawView): string {
  return [
    `law ${String(law.number)} of ${society}`,
    `finality  ${finalityText(finality)}`,
    `key       ${keys.society}, the next one is committed as ${keys.next}`,
    ...(amend === undefined ? [] : [`amend     ${amend.k} of ${amend.keys.length} keys sign every change of the law`]),
    ...flat(law).map(([path, value]) => `${path} = ${valueText(value)}`),
  ].join('\n')
}

export function planText(plan: LawPlanView, defaultQuorum?: number): string {
  const { amend, connected, consents, finality, handover } = plan
  const lines = differences(plan.before, plan.law)
  if (defaultQuorum !== undefined)
    lines.push(
      `quorum    ${defaultQuorum}, the default for ${finality.after.n} witnesses; --quorum N gives another one`,
    )
  if (handover) {
    lines.push(
      `finality  ${finalityText(finality.after)}`,
      `before    ${finalityText(finality.before)}`,
      `handover  nothing after it is final until ${finality.before.q} of the present witnesses have signed beyond it (${connected.before} are connected) and ${finality.after.q} of the new ones (${connected.after} are connected)`,
    )
  }
  if (consents.length > 0) lines.push(`consent   asked of ${consents.join(', ')}`)
  if (amend !== undefined)
    lines.push(`amend     ${amend.k} of the charter's ${amend.keys.length} amend keys sign as well`)
  return lines.join('\n')
}

function finalityText({ away_tolerated, liars_tolerated, n, q }: FinalityFacts): string {
  return `${q} of ${n} witnesses sign, ${liars_tolerated} may lie, ${away_tolerated} may be away`
}

/** `path: old → new`; members of lists that came and went with + and −. */
function differences(before: Json, after: Json): string[] {
  const old = new Map(flat(before))
  return flat(after).flatMap(([path, value]) => {
    const was = old.get(path)
    if (JSON.stringify(was) === JSON.stringify(value) || path === 'number') return []
    if (!Array.isArray(was) || !Array.isArray(value)) return [`${path}: ${valueText(was)} → ${valueText(value)}`]
    const texts = (list: readonly Json[]) => list.map(item => JSON.stringify(item))
    const gone = texts(was).filter(item => !texts(value).includes(item))
    const came = texts(value).filter(item => !texts(was).includes(item))
    return [...gone.map(item => `${path}: − ${item}`), ...came.map(item => `${path}: + ${item}`)]
  })
}

function flat(value: Json, path = ''): [path: string, value: Json][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]]
  return Object.entries(value).flatMap(([name, member]) => flat(member, path === '' ? name : `${path}.${name}`))
}

function valueText(value: Json | undefined): string {
  return Array.isArray(value) && value.length === 0 ? 'none' : (JSON.stringify(value) ?? 'none')
}
