import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalText, type Json, type JsonObject, utf8Encode } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import { openEntry } from '../../src/ingest/open.ts'
import { RECORD_KINDS, rulesOf } from '../../src/records/registry.ts'
import type { Sig } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import type { Result } from '../../src/result.ts'
import { testLct } from '../../test/support/entries.ts'
import { identity } from '../../test/support/identity.ts'
import { netChanges, Replay } from '../../test/support/replay.ts'
import type { Draftable, TestSociety } from '../../test/support/society.ts'
import type { VectorCase, VectorFile, VectorFiles } from './file.ts'

const text = new TextDecoder()
/** Above every n of the logs, so that the cases do not depend on one another. */
const CASE_N = 1_000

/** Collects the cases of every kind. Each expectation is the author's; what the code gives instead is an error. */
export class RecordCases {
  readonly #files = new Map<string, VectorCase[]>()
  readonly #named: ReadonlyMap<string, readonly string[]>

  constructor(named: ReadonlyMap<string, readonly string[]>) {
    this.#named = named
  }

  /** One record at the end of a log: what it changes, or the code with which it is refused. */
  add(log: TestSociety, id: string, comment: string, input: Draftable, code?: Code, sigs?: readonly Sig[]): void {
    const bytes = log.draft({ n: CASE_N, ...input }, sigs)
    const judged = log.judge(bytes)
    const changes = judged.ok ? netChanges(log, judged.value) : undefined
    this.#push(input.kind, { id, comment, bytes, code, before: this.#before(log) }, log.id, judged, changes)
  }

  /** An entry 0. */
  addCharter(id: string, comment: string, bytes: Uint8Array, society: string, code?: Code): void {
    const judged = new Replay().judge(bytes, society)
    const changes = judged.ok ? judged.value.changes : undefined
    this.#push('charter', { id, comment, bytes, code, before: {} }, society, judged, changes)
  }

  /** What every kind refuses, from a draft that is good: `required` names a member of its body. */
  addShared(log: TestSociety, good: Draftable, required: string): void {
    const { body } = good
    const lacking: object = Object.fromEntries(Object.entries(body).filter(([name]) => name !== required))
    const entryTime = good.entryTime ?? log.clock + 1_000
    const window = rulesOf(good.kind)?.freshnessMs ?? 0
    const from = (changes: Partial<Draftable>) => ({ ...good, ...changes })
    this.add(
      log,
      'member-more',
      'a member that the schema does not know',
      from({ body: { ...body, surplus: 1 } }),
      'FORMAT_UNKNOWN_FIELD',
    )
    this.add(log, 'member-less', `without ${required}`, from({ body: lacking }), 'FORMAT_SCHEMA')
    this.add(log, 'forged', 'signatures of another record', good, 'SIGNATURE_INVALID', this.#forged(log, good))
    this.add(
      log,
      'too-old',
      'a millisecond outside the window of the kind',
      from({ entryTime, time: entryTime - window - 1 }),
      'STALE',
    )
    this.add(
      log,
      'too-new',
      'a millisecond outside the window of the kind',
      from({ entryTime, time: entryTime + window + 1 }),
      'STALE',
    )
    this.add(
      log,
      'backwards',
      'an entry older than the one before it',
      from({ entryTime: log.clock - 1 }),
      'ENTRY_TIME_BACKWARDS',
    )
    const elsewhere = `elsewhere-${'a'.repeat(26)}`
    this.add(log, 'wrong-society', 'meant for another log', from({ society: elsewhere }), 'WRONG_SOCIETY')
    if ((good.author ?? log.id) === log.id)
      this.add(log, 'replayed', 'n was used in this lane', from({ n: 1 }), 'REPLAYED')
    this.add(
      log,
      'author-unknown',
      'an LCT that this log does not know',
      from({ author: testLct(99) }),
      'AUTHOR_UNKNOWN',
    )
  }

  files(): VectorFiles {
    const missing = RECORD_KINDS.filter(kind => !this.#files.has(kind))
    if (missing.length > 0) throw new Error(`no cases of ${missing.join(', ')}`)
    const files = [...this.#files].map(([kind, cases]): [string, VectorFile] => {
      if (new Set(cases.map(({ id }) => id)).size !== cases.length) throw new Error(`${kind}: an id twice`)
      return [`records/${kind}.json`, { about: `Records of the kind ${kind}`, cases }]
    })
    return Object.fromEntries(files)
  }

  #forged(log: TestSociety, good: Draftable): readonly Sig[] {
    const opened = openEntry(log.draft({ n: CASE_N, ...good }), sha256)
    if (!opened.ok) throw new Error(opened.error.code)
    const other = toBase64url(identity('forger').signNow(utf8Encode('something else')))
    return opened.value.sigs.map(sig => ({ ...sig, sig: other }))
  }

  /** The entries before: as many as possible by the name of a log, the others in full. */
  #before(log: TestSociety): object {
    const entries = log.entries.map(entry => text.decode(entry.bytes))
    let best: { readonly log?: string; readonly size: number } = { size: 0 }
    for (const [name, named] of this.#named) {
      const differs = entries.findIndex((entry, index) => entry !== named[index])
      const size = differs === -1 ? entries.length : differs
      if (size > best.size) best = { log: name, size }
    }
    const rest = entries.slice(best.size)
    return { ...(best.log === undefined ? {} : best), ...(rest.length === 0 ? {} : { more: rest }) }
  }

  #push(
    kind: string,
    made: { id: string; comment: string; bytes: Uint8Array; code: Code | undefined; before: object },
    society: string,
    judged: Result<unknown>,
    changes: object | undefined,
  ): void {
    const { id, comment, bytes, code, before } = made
    const actual = judged.ok ? undefined : judged.error.code
    if (actual !== code) throw new Error(`${kind} ${id}: ${actual}, not ${code}`)
    const opened = openEntry(bytes, sha256)
    const { record, sigs, seq, time } = JSON.parse(text.decode(bytes)) as {
      record: JsonObject
      sigs: Json
      seq: number
      time: number
    }
    const stage =
      code === undefined ? 'valid' : !opened.ok ? 'bytes' : code === 'SIGNATURE_INVALID' ? 'signature' : 'state'
    const found = {
      id,
      comment,
      tags: code === undefined ? ['valid'] : ['invalid', stage],
      society,
      before,
      ...(stage === 'state' ? {} : { submission: canonicalText({ record, sigs }) }),
      seq,
      time,
      entry: text.decode(bytes),
      ...(opened.ok ? { record_id: opened.value.id, leaf: toBase64url(opened.value.leaf) } : {}),
      ...(code === undefined ? { changes } : { code }),
    }
    this.#files.set(kind, [...(this.#files.get(kind) ?? []), found])
  }
}
