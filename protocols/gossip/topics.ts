import type { SocietyId } from '../../src/units.ts'

/** Names of topics: `/web4/1/<federation>/log/<society id>` and `/web4/1/<federation>/proof`. */

export function logTopic(federation: string, society: SocietyId): string {
  return `/web4/1/${federation}/log/${society}`
}

export function proofTopic(federation: string): string {
  return `/web4/1/${federation}/proof`
}

/** The society of a log topic; undefined for every other topic. */
export function societyOfTopic(federation: string, topic: string): SocietyId | undefined {
  const prefix = logTopic(federation, '')
  return topic.startsWith(prefix) ? topic.slice(prefix.length) : undefined
}
