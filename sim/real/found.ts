import { signRecord } from '../../node/api/sign.ts'
import { softwareSigner } from '../../node/crypto/sodium.ts'
import type { JsonObject } from '../../src/canonical.ts'
import type { Signer } from '../../src/ports.ts'
import { MICRO } from '../../src/units.ts'
import type { Prng } from '../prng.ts'
import type { NodeProcess } from './node-process.ts'
import { until } from './until.ts'

/** Strangers become a federation: connections, charters, recognition, members, first ATP. */

/** A log takes at most so many of the others as witnesses. */
const WITNESSES_MAX = 15
const SLUGS = [
  'aurora',
  'basalt',
  'cedar',
  'delta',
  'ember',
  'fjord',
  'grove',
  'harbor',
  'iris',
  'juniper',
  'kelp',
  'lumen',
  'meadow',
  'nimbus',
  'onyx',
  'prairie',
  'quartz',
  'ridge',
  'sierra',
  'tundra',
]
export const MINT_ATP = 1_000_000
export const FIRST_CHARGE_ATP = 1_000

export interface Society {
  readonly id: string
  readonly slug: string
  readonly node: NodeProcess
}

export interface Member {
  readonly lct: string
  readonly society: Society
  readonly signer: Signer
}

export function slugOf(index: number): string {
  const slug = SLUGS[index % SLUGS.length] ?? 'society'
  return index < SLUGS.length ? slug : `${slug}-${Math.floor(index / SLUGS.length) + 1}`
}

/** Every node to every other one, once. */
export async function connectAll(nodes: readonly NodeProcess[], signal: AbortSignal): Promise<void> {
  for (const [index, node] of nodes.entries())
    await Promise.all(
      nodes
        .slice(0, index)
        .map(other => node.client.connect({ body: { address: other.addresses[0] ?? '' } }, { signal })),
    )
  await until('all nodes know each other', signal, async () => {
    const statuses = await Promise.all(nodes.map(node => node.client.status({}, { signal })))
    return statuses.every(({ peers }) => peers.length >= nodes.length - 1)
  })
}

/** Every society writes its charter; the others are its witnesses and consent. */
export async function foundAll(nodes: readonly NodeProcess[], signal: AbortSignal): Promise<readonly Society[]> {
  const keys = await Promise.all(nodes.map(async node => (await node.client.status({}, { signal })).witness_key))
  const societies: Society[] = []
  for (const [index, node] of nodes.entries()) {
    const others = rotated(keys, index + 1)
      .filter(key => key !== keys[index])
      .slice(0, WITNESSES_MAX)
    const { society } = await node.client.genesis(
      { body: { slug: slugOf(index), witnesses: others, birth_witnesses: [...others, keys[index] ?? ''] } },
      { signal },
    )
    societies.push({ id: society, slug: slugOf(index), node })
  }
  await Promise.all(
    societies.flatMap(({ id }) =>
      societies
        .filter(other => other.id !== id)
        .map(async ({ node }) => {
          const known = (await node.client.societies({}, { signal })).some(({ society }) => society === id)
          if (!known)
            await node.client.policy(
              { body: { society: id, policy: { follow: true, witness: false, block: false } } },
              { signal },
            )
        }),
    ),
  )
  await until('every charter is final on every node', signal, () => allFinal(societies, signal))
  return societies
}

/** Each recognises each: the charter, proved by the other's log. */
export async function recognizeAll(societies: readonly Society[], signal: AbortSignal): Promise<void> {
  // A log that has just begun waits for its witnesses' word before it grows, as an old one does.
  const areReady = async () => {
    const answers = await Promise.all(societies.map(({ node }) => node.client.readyz({}, { signal })))
    return answers.every(({ ready }) => ready)
  }
  await until('all nodes may write', signal, areReady)
  await Promise.all(
    societies.map(async ({ id, node }) => {
      for (const other of societies)
        if (other.id !== id) await node.client.recognize({ body: { society: other.id } }, { signal })
    }),
  )
}

/** A member makes a key, the society prepares the birth, the member signs, other societies witness. */
export async function bear(
  society: Society,
  name: string,
  type: 'human' | 'ai' | 'device' | 'service',
  prng: Prng,
  signal: AbortSignal,
): Promise<Member & { readonly seq: number }> {
  const signer = softwareSigner(prng.bytes(32))
  const { client } = society.node
  const { record } = await client.prepareBirth(
    { body: { key: signer.key, entity_type: type, entity: name } },
    { signal },
  )
  const { sigs } = await signRecord(record as JsonObject, signer)
  const born = await client.birth({ body: { record, sigs: sigs as { by: string; sig: string }[] } }, { signal })
  return { lct: born.lct, society, signer, seq: born.seq ?? -1 }
}

/** The treasury mints, then every member is charged for its first work. */
export async function fund(
  society: Society,
  members: readonly Member[],
  evidence: string,
  signal: AbortSignal,
): Promise<void> {
  const { client } = society.node
  await client.issue({ body: { kind: 'atp.mint', body: { amount: MINT_ATP * MICRO, evidence } } }, { signal })
  for (const { lct } of members)
    await client.issue(
      { body: { kind: 'atp.charge', body: { amount: FIRST_CHARGE_ATP * MICRO, evidence, to: lct } } },
      { signal },
    )
}

/** Whether every node holds every log equally, and all of it is final. */
export async function allFinal(societies: readonly Society[], signal: AbortSignal): Promise<boolean> {
  const views = await Promise.all(societies.map(({ node }) => node.client.societies({}, { signal })))
  return societies.every(({ id }) => {
    const sizes = views.map(view => view.find(({ society }) => society === id))
    const size = sizes[0]?.size ?? 0
    return size > 0 && sizes.every(view => view?.size === size && view.final === size)
  })
}

function rotated<T>(items: readonly T[], by: number): readonly T[] {
  return [...items.slice(by), ...items.slice(0, by)]
}
