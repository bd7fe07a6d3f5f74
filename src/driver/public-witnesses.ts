import { canonicalBytes } from '../canonical.ts'
import { keyText } from '../encoding.ts'
import { parseSignedCheckpoint } from '../log/c2sp/signed-checkpoint.ts'
import { formatAddCheckpoint, parseSizeBody, readCosignature } from '../log/c2sp/tlog-witness.ts'
import type { VerifierKey } from '../log/c2sp/verifier-key.ts'
import { formatNote, type Note, type NoteSignature } from '../log/note.ts'
import type { Clock, Store } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { type Code, type Rejection, rejection } from '../rejection.ts'
import type { Result } from '../result.ts'
import { storeKey } from '../store/ledger.ts'
import type { EpochMs, Seq, SocietyId } from '../units.ts'
import { PublicContact, type PublicCosignature } from '../witnessing/public-contact.ts'
import { publishedNote } from './published.ts'
import { decodeState } from './session.ts'
import type { SocietyLog } from './society-log.ts'

/** A witness as the operator names it. `key` makes cosignatures (type 0x04). */
export interface PublicWitness {
  readonly key: VerifierKey
  /** `/add-checkpoint` is put behind it. */
  readonly url: string
}

/** Sends a request to `<url>/add-checkpoint` and reads a short answer. Follows no redirect. */
export type PostCheckpoint = (
  url: string,
  body: string,
) => Promise<Result<{ readonly status: number; readonly body: string }>>

/** What the API shows. Never counted for finality: such a witness saw only a consistency proof, no entry. */
export interface PublicWitnessView {
  readonly name: string
  readonly url: string
  /** Newest size that it cosigned and when, in ms; 0: none yet. */
  readonly size: Seq
  readonly time: EpochMs
  /** Why the newest attempt failed. */
  readonly problem?: Code
}

interface Member extends PublicWitness {
  readonly contact: PublicContact
  isAsking: boolean
  cancel: (() => void) | undefined
}

/**
 * Shows the own log to public C2SP witnesses after it grew, one request at a time to each, and keeps what they signed. It
 * reads the log and its published note and hands nothing back, so no witness can move what is final.
 */
export class PublicWitnesses {
  readonly #members: readonly Member[]
  readonly #store: Store
  readonly #clock: Clock
  readonly #context: DecideContext
  readonly #post: PostCheckpoint
  readonly #log: () => SocietyLog | undefined
  readonly #rejected: (error: Rejection) => void
  readonly #fault: (error: unknown) => void
  #loaded: SocietyId | undefined
  #stopped = false

  constructor(
    witnesses: readonly PublicWitness[],
    components: {
      readonly store: Store
      readonly clock: Clock
      readonly context: DecideContext
      readonly post: PostCheckpoint
      /** The log that this node writes. */
      readonly log: () => SocietyLog | undefined
      readonly rejected: (error: Rejection) => void
      readonly fault: (error: unknown) => void
    },
  ) {
    this.#members = witnesses.map(witness => ({
      ...witness,
      contact: new PublicContact(),
      isAsking: false,
      cancel: undefined,
    }))
    this.#store = components.store
    this.#clock = components.clock
    this.#context = components.context
    this.#post = components.post
    this.#log = components.log
    this.#rejected = components.rejected
    this.#fault = components.fault
  }

  /** The log grew, more of it is final, or the node started. */
  poke(): void {
    if (this.#stopped || this.#members.length === 0) return
    this.#load()
      .then(() => {
        for (const member of this.#members) this.#schedule(member)
      })
      .catch(error => this.#fault(error))
  }

  stop(): void {
    this.#stopped = true
    for (const member of this.#members) member.cancel?.()
  }

  views(society: SocietyId): readonly PublicWitnessView[] {
    if (this.#log()?.society !== society) return []
    return this.#members.map(({ contact, key, url }) => ({
      name: key.name,
      url,
      size: contact.held?.size ?? 0,
      time: contact.held?.time ?? 0,
      ...(contact.problem === undefined ? {} : { problem: contact.problem }),
    }))
  }

  /** Cosignature lines on exactly this note. */
  linesOf(note: Note): readonly NoteSignature[] {
    return this.#members.flatMap(({ contact: { held } }) => (held?.text === note.text ? [held.line] : []))
  }

  async #load(): Promise<void> {
    const log = this.#log()
    if (log === undefined || this.#loaded === log.society) return
    this.#loaded = log.society
    const values = await this.#store.getMany(this.#members.map(member => keyOf(log, member)))
    for (const [index, { contact }] of this.#members.entries()) {
      const held = readHeld(values[index])
      if (held !== undefined && contact.held === undefined) contact.restore(held)
    }
  }

  #schedule(member: Member): void {
    if (this.#stopped || member.isAsking || member.cancel !== undefined || this.#due(member) === undefined) return
    const wait = Math.max(0, member.contact.notBefore - this.#clock.now())
    if (wait === 0) {
      this.#begin(member)
      return
    }
    member.cancel = this.#clock.after(wait, () => {
      member.cancel = undefined
      this.#begin(member)
    })
  }

  /** The note that this witness should see. */
  #due({ contact }: Member): { readonly log: SocietyLog; readonly note: Note } | undefined {
    const log = this.#log()
    const note = log === undefined ? undefined : publishedNote(log)
    return log === undefined || note === undefined || contact.held?.text === note.text ? undefined : { log, note }
  }

  #begin(member: Member): void {
    const due = this.#due(member)
    if (due === undefined || this.#stopped) return
    member.isAsking = true
    this.#ask(member, due.log, due.note)
      .then(code => {
        if (code !== undefined) this.#rejected(rejection(code, `public witness ${member.key.name}`))
      })
      .catch(error => {
        member.contact.onFailure('INTERNAL', this.#clock.now())
        if (!this.#stopped) this.#fault(error)
      })
      .finally(() => {
        member.isAsking = false
        this.#schedule(member)
      })
  }

  /** One request and what became of it: why it failed, if it did. */
  async #ask(member: Member, log: SocietyLog, note: Note): Promise<Code | undefined> {
    const { contact, url } = member
    const { origin, size } = note.checkpoint
    const oldSize = contact.oldSize(origin)
    const proof = await log.replica.consistency(oldSize, size)
    if (proof === undefined) return contact.onFailure('INTERNAL', this.#clock.now())
    const signatures = note.signatures.filter(line => line.name === origin)
    const reply = await this.#post(url, formatAddCheckpoint({ note: { ...note, signatures }, oldSize, proof }))
    if (this.#stopped) return undefined
    const now = this.#clock.now()
    if (!reply.ok) return contact.onFailure(reply.error.code, now)
    const { body, status } = reply.value
    if (status === 409) return contact.onConflict({ origin, oldSize, size }, parseSizeBody(body), now)
    if (status !== 200) return contact.onStatus(status, now)
    const found = readCosignature(body, note, member.key, this.#context.verifySignature)
    if (found === undefined) return contact.onFailure('COSIGNATURE_INVALID', now)
    const held = { text: note.text, size, time: found.time * 1000, line: found.line }
    await this.#store.batch([{ type: 'put', key: keyOf(log, member), value: heldBytes(held) }], { sync: false })
    contact.onSigned(held, now)
    return undefined
  }
}

function keyOf(log: SocietyLog, { key }: PublicWitness): string {
  return storeKey.publicCosigner(log.society, keyText(key.key))
}

function heldBytes({ line, text, time }: PublicCosignature): Uint8Array {
  return canonicalBytes({ line: formatNote({ text: '', signatures: [line] }).slice(1), text, time })
}

function readHeld(bytes: Uint8Array | undefined): PublicCosignature | undefined {
  if (bytes === undefined) return undefined
  const { line, text, time } = decodeState(bytes) as { line: string; text: string; time: number }
  const parsed = parseSignedCheckpoint(`${text}\n${line}`)
  const [signature] = parsed.ok ? parsed.value.signatures : []
  if (!parsed.ok || signature === undefined) return undefined
  return { text, size: parsed.value.checkpoint.size, time, line: signature }
}
