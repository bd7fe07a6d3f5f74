import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { canonicalText, type Json, utf8Encode } from '../../src/canonical.ts'
import { type Bundle, verifyBundle } from '../../src/log/bundle.ts'
import type { Code } from '../../src/rejection.ts'
import type { KeyText, SocietyId } from '../../src/units.ts'
import { bundleBytes, bundleOf, orderedNote } from '../../test/support/bundle.ts'
import { hashText, identity, override } from '../../test/support/identity.ts'
import type { TestSociety } from '../../test/support/society.ts'
import type { VectorCase, VectorFiles } from './file.ts'
import { stories } from './world.ts'

const text = new TextDecoder()

interface Options {
  readonly society?: SocietyId
  readonly accept?: readonly KeyText[]
}
type Case = readonly [id: string, comment: string, bundle: Bundle | string, code?: Code | undefined, options?: Options]

/** Notes of s2: the first set at 4 and 6 with the first key, the second set at 8 with the second key. */
function handoverNotes(log: TestSociety) {
  const first = identity('s2 society')
  const fresh = identity('s2 new witness')
  const later = [...log.witnesses.slice(0, 2), fresh]
  return {
    first: { seq: 4, note: { size: 6, logKey: first, cosigners: log.witnesses } },
    second: { seq: 6, note: { size: 8, cosigners: later.slice(0, 2) } },
    before: { size: 6, logKey: first, cosigners: later.slice(1) },
    main: { size: 8, cosigners: later.slice(1) },
  }
}

function good(accounts: TestSociety, handed: TestSociety): Case[] {
  const { first, second, before, main } = handoverNotes(handed)
  const accept = [...accounts.witnesses.map(({ key }) => key), identity('somebody else').key]
  return [
    ['charter', 'the charter itself', bundleOf(accounts)],
    ['entry', 'a transfer', bundleOf(accounts, { seq: 12 })],
    ['certificate', 'a birth', bundleOf(accounts, { seq: 4 })],
    [
      'accepted',
      'a birth, for a reader who knows all of its witnesses',
      bundleOf(accounts, { seq: 4 }),
      undefined,
      { accept },
    ],
    ['handover', 'an entry after new witnesses came', bundleOf(handed, { seq: 5, handovers: [first], note: before })],
    [
      'handover-itself',
      'the law.update that handed over',
      bundleOf(handed, { seq: 4, handovers: [first], note: before }),
    ],
    [
      'handover-late',
      'the old set spoke only after the second handover: the second key signs that note',
      bundleOf(handed, {
        seq: 7,
        handovers: [{ seq: 4, note: { ...main, cosigners: handed.witnesses } }, second],
        note: main,
      }),
    ],
    [
      'two-handovers',
      'new witnesses, then a new society key',
      bundleOf(handed, { seq: 7, handovers: [first, second], note: main }),
    ],
  ]
}

/** What is not even of the right form, or of the society that the reader expects. */
function misshapen(accounts: TestSociety, handed: TestSociety): Case[] {
  const bundle = bundleOf(accounts, { seq: 4 })
  const canonical = canonicalText(bundle as unknown as Json)
  const changed = (changes: Record<string, unknown>) => override(bundle, changes)
  const someone = identity('stranger')
  return [
    ['cut-off', 'the last byte is missing', canonical.slice(0, -1), 'FORMAT_JSON'],
    ['newline', 'a newline at the end', `${canonical}\n`, 'FORMAT_NOT_CANONICAL'],
    ['member-more', 'a member that nobody knows', changed({ surplus: 1 }), 'BUNDLE_FORMAT'],
    ['version', 'another version', changed({ v: 2 }), 'BUNDLE_FORMAT'],
    ['proof-alone', 'a proof without its entry', changed({ entry: undefined }), 'BUNDLE_FORMAT'],
    ['lines-swapped', 'cosignatures out of order', changed({ note: swapLast(bundle.note) }), 'BUNDLE_FORMAT'],
    ['note-garbage', 'no note', changed({ note: 'x' }), 'NOTE_FORMAT'],
    [
      'note-log-key',
      'the log did not sign the note',
      changed({ note: orderedNote(accounts, { logKey: someone }) }),
      'NOTE_SIGNATURE',
    ],
    ['note-other-log', 'a note of another log', changed({ note: orderedNote(handed) }), 'PROOF_INVALID'],
    [
      'note-epoch',
      'a note of an epoch: a bundle does not show which there are, so whatever the log and its witnesses signed is taken',
      changed({ note: orderedNote(accounts, { origin: `web4/${accounts.id}/epoch-1` }) }),
    ],
    ...['epoch-0', 'epoch-01', 'epoch--1', 'epoch-x'].map(
      (epoch): Case => [
        `note-${epoch}`,
        'no origin of the log',
        changed({ note: orderedNote(accounts, { origin: `web4/${accounts.id}/${epoch}` }) }),
        'NOTE_ORIGIN',
      ],
    ),
    ['other-society', 'the reader expects another society', bundle, 'BUNDLE_CHAIN', { society: handed.id }],
    ['renamed', 'the id of another society', changed({ society: handed.id }), 'BUNDLE_CHAIN'],
  ]
}

/** Entries and proofs that do not fit. */
function misfitting(accounts: TestSociety, handed: TestSociety): Case[] {
  const bundle = bundleOf(accounts, { seq: 4 })
  const changed = (changes: Record<string, unknown>) => override(bundle, changes)
  const other = bundleOf(handed).charter
  return [
    ['charter-other', 'the charter of another society', changed({ charter: other }), 'BUNDLE_CHAIN'],
    [
      'charter-none',
      'begins with an entry that is no charter',
      changed({ charter: { entry: bundle.entry, proof: bundle.proof } }),
      'BUNDLE_CHAIN',
    ],
    ['charter-twice', 'the charter as the entry', changed(bundle.charter), 'BUNDLE_SUPERFLUOUS'],
    [
      'charter-changed',
      'another time of the charter entry, which nobody signs',
      changed({ 'charter.entry.time': 0 }),
      'PROOF_INVALID',
    ],
    ['entry-changed', 'the entry is not what was signed', changed({ 'entry.record.n': 77 }), 'SIGNATURE_INVALID'],
    ['entry-moved', 'another place in the log', changed({ 'entry.seq': 5 }), 'PROOF_INVALID'],
    ['entry-wrong', 'an entry that is none', changed({ entry: {} }), 'FORMAT_SCHEMA'],
    [
      'proof-short',
      'a step of the proof is missing',
      changed({ proof: (bundle.proof ?? []).slice(1) }),
      'PROOF_INVALID',
    ],
    ['proof-step', 'another step', changed({ proof: (bundle.proof ?? []).with(0, hashText('x')) }), 'PROOF_INVALID'],
  ]
}

function undersigned(accounts: TestSociety): Case[] {
  const bundle = bundleOf(accounts, { seq: 4 })
  const changed = (changes: Record<string, unknown>) => override(bundle, changes)
  const [one, two] = accounts.witnesses
  const someone = identity('stranger')
  const cosigned = (...who: (typeof one)[]) =>
    orderedNote(accounts, { cosigners: who.flatMap(witness => witness ?? []) })
  return [
    ['quorum-less', 'one cosignature too few', changed({ note: cosigned(one, two) }), 'BUNDLE_QUORUM'],
    [
      'quorum-stranger',
      'a stranger in place of a witness',
      changed({ note: cosigned(one, two, someone) }),
      'BUNDLE_QUORUM',
    ],
    [
      'quorum-more',
      'a stranger beside the witnesses',
      changed({ note: cosigned(...accounts.witnesses, someone) }),
      'BUNDLE_SUPERFLUOUS',
    ],
    ['quorum-twice', 'one cosignature twice', changed({ note: doubled(bundle.note) }), 'NOTE_FORMAT'],
    [
      'accepted-less',
      'the reader accepts too few of those who signed',
      bundle,
      'BUNDLE_QUORUM',
      { accept: accounts.witnesses.slice(1).map(({ key }) => key) },
    ],
  ]
}

function unchained(accounts: TestSociety, handed: TestSociety): Case[] {
  const { first, second, before, main } = handoverNotes(handed)
  const chain = bundleOf(handed, { seq: 5, handovers: [first], note: before })
  const linked = (changes: object) => override(chain, { handovers: [{ ...chain.handovers[0], ...changes }] })
  return [
    [
      'handover-less',
      'a handover is left out: the set of the charter did not sign',
      override(chain, { handovers: [] }),
      'BUNDLE_QUORUM',
    ],
    [
      'handover-skipped',
      'the first of two is left out: its new witness did not consent to the second',
      bundleOf(handed, { seq: 7, handovers: [second], note: main }),
      'BUNDLE_CHAIN',
    ],
    [
      'handover-twice',
      'a handover twice',
      override(chain, { handovers: [chain.handovers[0], chain.handovers[0]] }),
      'BUNDLE_CHAIN',
    ],
    [
      'handover-none',
      'a handover that hands nothing over',
      bundleOf(handed, { seq: 7, handovers: [first, { ...second, seq: 5 }], note: main }),
      'BUNDLE_SUPERFLUOUS',
    ],
    ['handover-birth', 'a handover that is no law.update', withoutLaw(accounts), 'BUNDLE_CHAIN'],
    [
      'handover-early',
      'the old set did not cosign beyond it',
      bundleOf(handed, { seq: 5, handovers: [{ seq: 4, note: { ...first.note, size: 4 } }], note: before }),
      'BUNDLE_CHAIN',
    ],
    [
      'handover-new-set',
      'the new set vouches for itself',
      bundleOf(handed, { seq: 5, handovers: [{ seq: 4, note: before }], note: before }),
      'BUNDLE_QUORUM',
    ],
    [
      'handover-consistency',
      'two notes that are not shown to be one history',
      linked({ consistency: [hashText('x')] }),
      'PROOF_INVALID',
    ],
  ]
}

function swapLast(note: string): string {
  const lines = note.trimEnd().split('\n')
  const last = lines.splice(-2).reverse()
  return `${[...lines, ...last].join('\n')}\n`
}
function doubled(note: string): string {
  return `${note}${note.trimEnd().split('\n').at(-1)}\n`
}
function withoutLaw(log: TestSociety): Bundle {
  return bundleOf(log, { seq: 4, handovers: [{ seq: 5, note: {} }] })
}

export function bundleVectors(): VectorFiles {
  const [accounts, , handed] = stories().map(({ log }) => log) as [TestSociety, TestSociety, TestSociety]
  const bad = [
    ...misshapen(accounts, handed),
    ...misfitting(accounts, handed),
    ...undersigned(accounts),
    ...unchained(accounts, handed),
  ]
  const cases = [...good(accounts, handed), ...bad].map(([id, comment, bundle, code, options = {}]): VectorCase => {
    const bytes = typeof bundle === 'string' ? utf8Encode(bundle) : bundleBytes(bundle)
    const verdict = verifyBundle(bytes, { ...options, verify: verifySync, sha256 })
    const expected = code !== undefined || !verdict.ok ? { code } : { verdict: withoutRecord(verdict.value) }
    const tags = [code === undefined ? 'valid' : 'invalid', ...(id.includes('handover') ? ['handover'] : [])]
    return { id, comment, tags, ...options, bundle: text.decode(bytes), ...expected }
  })
  const about = 'Bundles: an entry with everything that shows that it is final'
  return { 'bundles.json': { about, cases } }
}

function withoutRecord<T extends { readonly record: unknown }>(verdict: T): Omit<T, 'record'> {
  const { record: _, ...rest } = verdict
  return rest
}
