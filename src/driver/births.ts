import { canonicalText, type Json } from '../canonical.ts'
import { type BirthBody, birthLct } from '../records/birth.ts'
import { type EntityType, lctIdOf } from '../records/names.ts'
import type { AnyRecord, RecordOf, Sig } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { type LctState, type PeerState, stateKeys } from '../state/model.ts'
import type { HashText, KeyText, LctId } from '../units.ts'
import { judgeOwnBirth } from './consent.ts'
import type { Federation } from './federation.ts'
import { askCountersign } from './genesis.ts'
import type { Issued, Issuer } from './issue.ts'

/** A prepared birth waits this long for the subject's signature before its lane is given to somebody else. */
const PREPARED_MS = 600_000

export interface BirthRequest {
  readonly key: KeyText
  readonly entity_type: string
  readonly entity_ref: HashText
  readonly rights?: readonly string[]
  readonly responsibilities?: readonly string[]
}

const RIGHTS = ['exist', 'interact', 'accumulate_reputation']
const RESPONSIBILITIES = ['abide_law', 'respect_quorum']

/** Births: the record is prepared here, signed by the subject elsewhere, then witnessed and sequenced. */
export class Births {
  readonly #node: Federation
  readonly #issuer: Issuer
  /** Lane by canonical record text. */
  readonly #prepared = new Map<string, { readonly lane: number; readonly cancel: () => void }>()

  constructor(node: Federation, issuer: Issuer) {
    this.#node = node
    this.#issuer = issuer
  }

  async prepare(request: BirthRequest): Promise<Result<{ readonly record: AnyRecord; readonly lct: LctId }>> {
    const own = this.#node.own
    const law = own?.log.replica.inForce?.law
    if (own === undefined || law === undefined) return fail(rejection('NOT_SEQUENCER'))
    const lane = this.#issuer.tryLane()
    if (lane === undefined) return fail(rejection('OVERLOADED', 'all lanes are held by births in work'))
    const body: BirthBody = {
      entity_ref: request.entity_ref,
      entity_type: request.entity_type as EntityType,
      key: request.key,
      law: law.number,
      lineage: await this.#lineage(request.entity_ref),
      responsibilities: [...(request.responsibilities ?? RESPONSIBILITIES)],
      rights: [...(request.rights ?? RIGHTS)],
    }
    const record = await this.#issuer.draft('birth', body as unknown as Json, lane)
    if (record === undefined) {
      this.#issuer.releaseLane(lane)
      return fail(rejection('NOT_SEQUENCER'))
    }
    const name = canonicalText(record as unknown as Json)
    const cancel = this.#node.ports.clock.after(PREPARED_MS, () => this.#release(name))
    this.#prepared.set(name, { lane, cancel })
    return ok({ record, lct: lctIdOf(body.entity_type, own.log.society, body.key, this.#node.ports.context.sha256) })
  }

  /** `sigs`: the subject's. */
  async complete(record: AnyRecord, sigs: readonly Sig[]): Promise<Result<Issued & { readonly lct: LctId }>> {
    try {
      const refused = await judgeOwnBirth(this.#node, record)
      if (refused !== undefined) return fail(refused)
      const witnesses = await this.#witness(record)
      if (!witnesses.ok) return witnesses
      const issued = await this.#issuer.finish(record, [...sigs, ...witnesses.value])
      if (!issued.ok) return issued
      return ok({
        ...issued.value,
        lct: birthLct(record as unknown as RecordOf<'birth', BirthBody>, this.#node.ports.context.sha256),
      })
    } finally {
      this.#release(canonicalText(record as unknown as Json))
    }
  }

  /** All prepared births are given up. */
  stop(): void {
    for (const name of [...this.#prepared.keys()]) this.#release(name)
  }

  #release(name: string): void {
    const held = this.#prepared.get(name)
    if (held === undefined) return
    held.cancel()
    this.#prepared.delete(name)
    this.#issuer.releaseLane(held.lane)
  }

  async #lineage(entityRef: HashText): Promise<LctId[]> {
    const replica = this.#node.own?.log.replica
    if (replica === undefined) return []
    const [known] = await replica.states([stateKeys.ref(entityRef)])
    const lcts = (known ?? []) as readonly LctId[]
    const states = (await replica.states(lcts.map(stateKeys.lct))) as readonly (LctState | undefined)[]
    return lcts.filter((_, index) => states[index]?.status === 'revoked').sort()
  }

  /**
   * Exactly the law's number of witnesses: all qualified ones that are reachable are asked at once, the first to answer
   * count, other societies before our own witness key.
   */
  async #witness(record: AnyRecord): Promise<Result<readonly Sig[]>> {
    const own = this.#node.own
    const law = own?.log.replica.inForce?.law
    if (own === undefined || law === undefined) return fail(rejection('NOT_SEQUENCER'))
    const { quorum } = law.birth
    const others = law.birth.witnesses.filter(key => key !== law.witness_key)
    const societies = await own.log.replica.states(others.map(stateKeys.witnessKey))
    const peers = (await own.log.replica.states(
      societies.map(society => stateKeys.peer(String(society ?? ''))),
    )) as readonly (PeerState | undefined)[]
    const qualified = others.filter((_, index) => peers[index]?.status === 'recognised')
    const found: Sig[] = []
    const refusals: string[] = []
    await new Promise<void>(resolve => {
      let open = qualified.length
      if (open === 0) resolve()
      for (const key of qualified)
        void askCountersign(this.#node, key, record).then(answer => {
          if (answer.ok) found.push(answer.value)
          else
            refusals.push(`${answer.error.code}${answer.error.detail === undefined ? '' : ` (${answer.error.detail})`}`)
          open--
          if (open === 0 || found.length >= quorum) resolve()
        })
    })
    const chosen = found.slice(0, quorum)
    if (chosen.length < quorum && law.birth.witnesses.includes(law.witness_key)) {
      const answer = await askCountersign(this.#node, law.witness_key, record)
      if (answer.ok) chosen.push(answer.value)
    }
    return chosen.length === quorum
      ? ok(chosen)
      : fail(
          rejection('BIRTH_WITNESS_COUNT', `${chosen.length} of ${quorum}: ${refusals.join(', ') || 'none reachable'}`),
        )
  }
}
