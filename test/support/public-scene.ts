import assert from 'node:assert/strict'
import { type PostCheckpoint, PublicWitnesses } from '../../src/driver/public-witnesses.ts'
import { formatVerifierKey, parseVerifierKey, verifierKey } from '../../src/log/c2sp/verifier-key.ts'
import { TYPE_ED25519 } from '../../src/log/note.ts'
import type { Clock } from '../../src/ports.ts'
import type { Code } from '../../src/rejection.ts'
import { type fail, ok } from '../../src/result.ts'
import { sha256 } from '../log/fixtures.ts'
import { Cluster, type Members } from './cluster.ts'
import type { ClusterNode } from './cluster-node.ts'
import { context } from './identity.ts'
import { LetterWitness } from './tlog-by-the-letter.ts'

export const URL = 'https://witness.example/w'

interface Answer {
  readonly status: number
  readonly body: string
}

/** Of the cluster: s0 with public witnesses, of which `answer` decides what they say. */
export class Scene {
  readonly cluster: Cluster & { readonly members: Members }
  readonly home: ClusterNode
  readonly witness: LetterWitness
  readonly requests: { readonly old: number; readonly at: number; readonly body: string }[] = []
  readonly rejected: Code[] = []
  readonly faults: unknown[] = []
  /** Instead of the witness by the letter. */
  answer: ((body: string) => Promise<ReturnType<typeof fail> | Answer>) | undefined
  client: PublicWitnesses
  underWay = 0
  underWayMax = 0

  private constructor(cluster: Cluster & { readonly members: Members }) {
    this.cluster = cluster
    this.home = cluster.nodes[0] as ClusterNode
    const seconds = () => Math.floor(cluster.clock.now() / 1_000)
    this.witness = new LetterWitness('witness.example/w', sha256(new Uint8Array([7])), seconds)
    this.witness.knows(this.logKey)
    this.client = this.open()
  }

  static async begin(): Promise<Scene> {
    const cluster = await Cluster.resume()
    await cluster.ready()
    await cluster.clock.advance(2_500)
    return new Scene(cluster)
  }

  get logKey(): string {
    const origin = `web4/${this.home.society}`
    return formatVerifierKey(verifierKey(origin, TYPE_ED25519, this.home.keys.society.raw, sha256))
  }

  open(vkey = this.witness.vkey): PublicWitnesses {
    const key = parseVerifierKey(vkey, sha256)
    assert.ok(key)
    return new PublicWitnesses([{ key, url: URL }], {
      store: this.home.setup.store,
      clock: this.#clock,
      context,
      post: this.#post,
      log: () => this.home.federation.own?.log,
      rejected: error => this.rejected.push(error.code),
      fault: error => this.faults.push(error),
    })
  }

  readonly #post: PostCheckpoint = async (url, body) => {
    assert.equal(url, URL)
    this.underWay += 1
    this.underWayMax = Math.max(this.underWayMax, this.underWay)
    this.requests.push({ old: Number(/^old (\d+)\n/.exec(body)?.[1]), at: this.cluster.clock.now(), body })
    await new Promise<void>(resolve => this.cluster.clock.after(100, resolve))
    this.underWay -= 1
    const answer = this.answer === undefined ? this.witness.answer(body) : await this.answer(body)
    return 'ok' in answer ? answer : ok(answer)
  }

  /** Timers of the client that are set. */
  readonly timers = new Set<() => void>()
  readonly #clock: Clock = {
    now: () => this.cluster.clock.now(),
    after: (delayMs, task) => {
      const run = () => {
        this.timers.delete(run)
        task()
      }
      this.timers.add(run)
      const cancel = this.cluster.clock.after(delayMs, run)
      return () => {
        this.timers.delete(run)
        cancel()
      }
    },
  }

  get size(): number {
    return this.home.log().replica.tip.size
  }
  get view() {
    return this.client.views(this.home.society)[0]
  }

  async grow(): Promise<void> {
    await this.cluster.do(this.home.mint())
    await this.cluster.final()
  }

  async poke(ms = 1_000): Promise<void> {
    this.client.poke()
    await this.cluster.clock.advance(ms)
  }
}
