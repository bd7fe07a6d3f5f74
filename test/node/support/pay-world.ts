import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../../../node/crypto/sodium.ts'
import { createKeyFile } from '../../../node/keys/keystore.ts'
import type { NodeService, OperatorService, RecordView, SocietyView } from '../../../node/service.ts'
import { canonicalBytes } from '../../../src/canonical.ts'
import { toBase64url } from '../../../src/encoding.ts'
import { openSubmission } from '../../../src/ingest/open.ts'
import { type Code, rejection } from '../../../src/rejection.ts'
import { fail, ok, type Result } from '../../../src/result.ts'
import { CliScene } from './cli.ts'
import { fakeService, HASH, LCT, SOCIETY, society } from './fake-service.ts'

export const THEIRS = `beta-${'a'.repeat(26)}`
export const PAYEE = `lct:web4:human:${THEIRS}:${'d'.repeat(26)}`

/** The cheapest that a key file may have: these tests are not about its cost. */
const KDF = { opslimit: 1, memlimit: 8192 }

export type LctStatus = 'active' | 'suspended' | 'revoked'

/** What becomes of the next call of a method: refused, or `lost`: done, but the answer does not arrive. */
type Fate = Code | 'lost'

/** The payer's node as `web4 pay` sees it, with a log that takes each record once; and what the test says goes wrong. */
export class PayWorld {
  readonly scene: CliScene
  /** Names of the calls of the API, in order. */
  readonly calls: string[] = []
  /** Ids of the transfers that were sent, and of those in the log. */
  readonly sent: string[] = []
  readonly taken: string[] = []
  readonly fates = new Map<string, Fate[]>()
  /** The call with this number, from 0, fails: before it does anything, or after. */
  breaks: { readonly at: number; readonly when: 'before' | 'after' } | undefined
  /** As the payer's log and the payee's own have them; absent: unknown there. */
  readonly here = new Map<string, LctStatus>([[LCT, 'active']])
  readonly there = new Map<string, LctStatus>([[PAYEE, 'active']])
  home: Partial<SocietyView> = {}
  theirs: Partial<SocietyView> = {}
  isFollowed = false
  isRecognised = false
  recognitions = 0
  introductions = 0
  /** entry.time of the newest entry. */
  newest = 0
  nextN = 1
  /** What the payee's node says. */
  news: 'final' | 'not-final-for-us' | Code = 'final'
  notices = 0
  clock = Date.now()

  private constructor(scene: CliScene) {
    this.scene = scene
  }

  static async open(): Promise<PayWorld> {
    const world = new PayWorld(await CliScene.open())
    const { dir } = world.scene
    await mkdir(join(dir, 'keys'), { recursive: true })
    await createKeyFile(join(dir, 'keys', 'ada.key'), 'member', 'correct horse', { kdf: KDF })
    await writeFile(join(dir, 'keys', 'ada.lct'), `${LCT}\n`)
    const operator = { ...fakeService().operator, ...world.#counted(world.#operator()) }
    await world.scene.serve({ ...world.#counted(world.#service()), operator })
    return world
  }

  close(): Promise<void> {
    return this.scene.close()
  }

  get #argv(): string[] {
    return ['pay', '5', '--to', PAYEE, '--key', 'ada']
  }
  pay(...more: string[]): Promise<Record<string, unknown>> {
    return this.scene.json(...this.#argv, ...more)
  }
  run(...more: string[]): ReturnType<CliScene['web4']> {
    return this.scene.web4([...this.#argv, ...more])
  }
  refused(code: string, ...more: string[]): Promise<string> {
    return this.scene.refused(code, ...this.#argv, ...more)
  }

  async files(): Promise<readonly string[]> {
    return (await readdir(join(this.scene.dir, 'payments'))).sort()
  }
  async file(name: string): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(join(this.scene.dir, 'payments', name), 'utf8'))
  }

  next(method: string, ...fates: readonly Fate[]): void {
    this.fates.set(method, [...fates])
  }

  /** Of the record in force of the only payment there is. */
  async signedTime(): Promise<number> {
    const [name = ''] = await this.files()
    const { records } = (await this.file(name)) as { records: { record: { time: number } }[] }
    return records.at(-1)?.record.time ?? 0
  }

  /** Each call is counted, and fails where the test says so. */
  #counted<T extends object>(methods: T): T {
    const counted = Object.entries(methods).map(([name, method]: [string, (...args: never[]) => unknown]) => [
      name,
      (...args: never[]) => {
        const at = this.calls.push(name) - 1
        if (this.breaks?.at === at && this.breaks.when === 'before') throw new Error('the node died')
        const value = method(...args)
        if (this.breaks?.at !== at) return value
        if (!(value instanceof Promise)) throw new Error('the node died')
        return value.then(() => {
          throw new Error('the node died')
        })
      },
    ])
    return Object.fromEntries(counted) as T
  }

  async #fate<T>(method: string, work: () => Result<T>): Promise<Result<T>> {
    const fate = this.fates.get(method)?.shift()
    if (fate !== undefined && fate !== 'lost') return fail(rejection(fate))
    const done = work()
    return fate === 'lost' ? fail(rejection('STORE_CLOSED')) : done
  }

  #view(id: string): RecordView {
    const seq = this.taken.indexOf(id)
    if (seq < 0) return { id, status: 'unknown' }
    return { id, status: 'final', society: SOCIETY, seq, final_for_us: true }
  }

  #societies(): SocietyView[] {
    const home = { ...society, size: 3, final: 3, ...this.home }
    const { isFollowed } = this
    const policy = { follow: isFollowed, witness: false, block: false }
    const held = { size: 3, final: 3, final_for_us: 3 }
    return isFollowed ? [home, { ...society, society: THEIRS, own: false, policy, ...held, ...this.theirs }] : [home]
  }

  #service(): Partial<NodeService> {
    return {
      status: () => ({ ...fakeService().status(), clock: this.clock }),
      society: id => this.#societies().find(view => view.society === id),
      societies: () => this.#societies(),
      lct: async (lct, at = '') => {
        const isHeld = at === SOCIETY || this.isFollowed
        const status = isHeld ? (at === SOCIETY ? this.here : this.there).get(lct) : undefined
        return status === undefined ? fail(rejection('NOT_FOUND')) : ok({ lct, society: at, status, key: 'k' })
      },
      record: async id => this.#view(id),
      entries: async () => ok([canonicalBytes({ time: this.newest })]),
      nextN: async () => ok(this.nextN),
      submit: bytes =>
        this.#fate('submit', () => {
          const opened = openSubmission(bytes, sha256)
          assert.ok(opened.ok)
          const id = toBase64url(sha256(opened.value.recordBytes))
          this.sent.push(id)
          const payee = this.here.get(PAYEE)
          if (payee === undefined) return fail(rejection('ACCOUNT_UNKNOWN'))
          if (payee !== 'active') return fail(rejection('ACCOUNT_INACTIVE'))
          if (this.here.get(LCT) !== 'active') return fail(rejection('AUTHOR_INACTIVE'))
          if (!this.taken.includes(id)) this.taken.push(id)
          return ok(this.#view(id))
        }),
    }
  }

  #operator(): Partial<OperatorService> {
    const final: RecordView = { id: HASH, status: 'final', society: SOCIETY, seq: 2, final_for_us: true }
    return {
      policy: (_society, changes) =>
        this.#fate('policy', () => {
          this.isFollowed = changes.follow === true
          return ok(undefined)
        }),
      recognize: () =>
        this.#fate('recognize', () => {
          if (this.isRecognised) return fail(rejection('PEER_OLDER'))
          this.isRecognised = true
          this.recognitions++
          return ok(final)
        }),
      introduce: lct =>
        this.#fate('introduce', () => {
          const status = this.there.get(lct) as LctStatus
          if (this.here.get(lct) === status) return fail(rejection('PEER_OLDER'))
          this.here.set(lct, status)
          this.introductions++
          return ok(final)
        }),
      notice: record =>
        this.#fate('notice', () => {
          this.notices++
          const { news } = this
          if (news !== 'final' && news !== 'not-final-for-us') return fail(rejection(news))
          return ok({ record, lct: PAYEE, status: news, accepts: [] })
        }),
    }
  }
}
