import { verifySync } from '../../node/crypto/sodium.ts'
import type { JsonObject } from '../../src/canonical.ts'
import type { AuditReport } from '../../src/driver/audits.ts'
import { Births } from '../../src/driver/births.ts'
import { Federation, type FederationOptions } from '../../src/driver/federation.ts'
import { Issuer } from '../../src/driver/issue.ts'
import { LawDesk } from '../../src/driver/law.ts'
import type { Payment } from '../../src/driver/payments.ts'
import { openVerified, sequence } from '../../src/driver/serve.ts'
import type { SocietyLog } from '../../src/driver/society-log.ts'
import { claimStates } from '../../src/driver/state-claims.ts'
import { toBase64url } from '../../src/encoding.ts'
import type { Clock, SocietyKeys, Store, Verifier } from '../../src/ports.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import type { Code, Rejection } from '../../src/rejection.ts'
import type { Result } from '../../src/result.ts'
import type { LctId, Seq, SocietyId } from '../../src/units.ts'
import { context, hashText, type Identity, identity, makeRecord, signRecord, submissionBytes } from './identity.ts'
import type { SeededRandom } from './random.ts'
import { longRing } from './rings.ts'
import { keysOfSociety } from './society.ts'
import type { VirtualNet } from './virtual-net.ts'

export const verifier: Verifier = {
  verify: async jobs => jobs.map(({ key, signature, message }) => verifySync(key, signature, message)),
}

export const nodeOptions: FederationOptions = {
  groupMs: 2,
  rangeFetch: true,
  statusMs: 1_000,
  auditMs: 0,
  syncFollowed: true,
  consent: 'all',
}

/** An entity with its key and the next n of its lane. */
export interface Member {
  readonly lct: LctId
  readonly identity: Identity
  n: number
}

export interface NodeSetup {
  readonly name: string
  /** Whose keys it holds; default: its name. Two nodes with one slug are two copies of one society. */
  readonly slug?: string
  readonly store: Store
  readonly clock: Clock
  readonly net: VirtualNet
  readonly random: SeededRandom
  readonly options?: Partial<FederationOptions>
  /** Default: the society key and those that come after it. */
  readonly ring?: SocietyKeys
}

/** A real `Federation` with the keys of a test society, on virtual time and network, that writes down what happens to it. */
export class ClusterNode {
  readonly name: string
  readonly keys: ReturnType<typeof keysOfSociety>
  readonly setup: NodeSetup
  readonly ring: SocietyKeys
  readonly federation: Federation
  readonly issuer: Issuer
  readonly births: Births
  readonly laws: LawDesk
  readonly rejected: Rejection[] = []
  readonly rewinds: { readonly society: SocietyId; readonly size: Seq }[] = []
  readonly faults: { readonly what: string; readonly error: unknown }[] = []
  /** Why the own log could not grow, in order; `ready` when it could. */
  readonly barriers: string[] = []
  readonly overrides: { readonly society: SocietyId; readonly size: Seq }[] = []
  readonly wrongClaims: { readonly society: SocietyId; readonly seq: Seq; readonly size: Seq }[] = []
  readonly received: Payment[] = []
  readonly halts: { readonly society: SocietyId; readonly code: string }[] = []
  readonly audits: AuditReport[] = []
  /** Final sizes in the order in which they were reached, by log. */
  readonly finals = new Map<SocietyId, Seq[]>()

  constructor(setup: NodeSetup) {
    this.setup = setup
    this.name = setup.name
    this.keys = keysOfSociety(setup.slug ?? setup.name)
    this.ring = setup.ring ?? longRing(setup.slug ?? setup.name)
    this.federation = new Federation(
      { ...nodeOptions, ...setup.options },
      {
        store: setup.store,
        clock: setup.clock,
        random: setup.random,
        net: setup.net.port(setup.name),
        verifier,
        context,
        witnessSigner: this.keys.witness,
        societyKeys: this.ring,
      },
      {
        committed: () => {},
        final: (log, _before, now) => this.finals.set(log.society, [...(this.finals.get(log.society) ?? []), now]),
        frozen: () => {},
        halted: (log, code) => this.halts.push({ society: log.society, code }),
        audited: (_log, report) => this.audits.push(report),
        rejected: error => this.rejected.push(error),
        peer: () => {},
        wrongClaim: ({ society }, seq, size) => this.wrongClaims.push({ society, seq, size }),
        barred: (_log, why) =>
          this.barriers.push(why === undefined ? 'ready' : `${why.code} ${why.detail ?? ''}`.trim()),
        received: payment => this.received.push(payment),
        rewound: ({ society }, size) => this.rewinds.push({ society, size }),
        overridden: ({ society }, size) => this.overrides.push({ society, size }),
        fault: (what, error) => this.faults.push({ what, error }),
      },
    )
    this.issuer = new Issuer(this.federation)
    claimStates(this.federation, this.issuer)
    this.births = new Births(this.federation, this.issuer)
    this.laws = new LawDesk(this.federation, this.issuer)
  }

  async start(): Promise<void> {
    const { federation, keys, name } = this
    await federation.open()
    this.setup.net.attach(name, federation, () => ({
      peer: name,
      society: federation.ownSociety,
      witnessKey: keys.witness.key,
    }))
    federation.run()
  }

  /** Off the network at once; `Federation.stop` for what is left. */
  async stop(): Promise<void> {
    this.setup.net.detach(this.name)
    await this.federation.stop()
  }

  get society(): SocietyId {
    return this.federation.ownSociety
  }

  log(society: SocietyId = this.society): SocietyLog {
    const log = this.federation.logs.get(society)
    if (log === undefined) throw new Error(`${this.name} does not hold ${society}`)
    return log
  }

  /** Codes of everything refused so far, each once. */
  get codes(): ReadonlySet<Code> {
    return new Set(this.rejected.map(({ code }) => code))
  }

  /** A record of any author through this node's sequencer. */
  async submit(record: AnyRecord, signers: readonly Identity[]): Promise<Result<Seq>> {
    const opened = await openVerified(this.federation, submissionBytes(record, signers))
    return opened.ok ? sequence(this.federation, opened.value) : opened
  }

  /** A record of a member in its home log. */
  draft(member: Member, kind: string, body: object): AnyRecord {
    const time = this.setup.clock.now()
    return makeRecord(kind, body, { author: member.lct, society: this.society, n: member.n++, time })
  }

  transfer(from: Member, to: Member, amount: number): Promise<Result<Seq>> {
    const record = this.draft(from, 'atp.transfer', { amount, from: from.lct, to: to.lct })
    return this.submit(record, [from.identity])
  }

  attest(witness: Member, subject: LctId): Promise<Result<Seq>> {
    const claims = { method: 'seen', observed_at: this.setup.clock.now() }
    return this.submit(this.draft(witness, 'attest', { claims, subject, type: 'existence' }), [witness.identity])
  }

  async issue(kind: string, body: object, others: readonly Identity[] = []): Promise<Result<Seq>> {
    const issued = await this.issuer.issue(kind, body as JsonObject, others)
    return issued.ok ? { ok: true, value: issued.value.seq } : issued
  }

  mint(amount = 1_000): Promise<Result<Seq>> {
    return this.issue('atp.mint', { amount })
  }

  charge(to: Member, amount: number): Promise<Result<Seq>> {
    return this.issue('atp.charge', { amount, evidence: hashText('work'), to: to.lct })
  }

  async birth(name: string): Promise<Result<Member>> {
    const subject = identity(`${this.name} ${name}`)
    const entity_ref = hashText(`${this.name} ${name}`)
    const prepared = await this.births.prepare({ key: subject.key, entity_type: 'human', entity_ref })
    if (!prepared.ok) return prepared
    const { record, lct } = prepared.value
    const born = await this.births.complete(record, signRecord(record, [subject]))
    return born.ok ? { ok: true, value: { lct, identity: subject, n: 1 } } : born
  }

  /** Size, root, final size and a hash over all state pairs of every log held, by society. */
  async holdings(): Promise<Record<SocietyId, { size: Seq; root: string; final: Seq; state: string }>> {
    const found: [SocietyId, { size: Seq; root: string; final: Seq; state: string }][] = []
    for (const [society, { replica, notes }] of this.federation.logs) {
      const pairs: string[] = []
      for await (const [key, value] of replica.statePairs(this.setup.store)) pairs.push(`${key}=${toBase64url(value)}`)
      const { size, root } = replica.tip
      found.push([society, { size, root: toBase64url(root), final: notes.final, state: hashText(pairs.join('\n')) }])
    }
    return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}
