import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { toBase64url } from '../../src/encoding.ts'
import { findCosignatures, validCosigners } from '../../src/log/cosignature.ts'
import { finalSize } from '../../src/log/finality.ts'
import { rootOfLeaves } from '../../src/log/merkle.ts'
import { originOf, parseNote } from '../../src/log/note.ts'
import { orderedNote } from '../../test/support/bundle.ts'
import { handoversOf } from '../../test/support/handovers.ts'
import { Replay } from '../../test/support/replay.ts'
import type { VectorCase, VectorFiles } from './file.ts'
import { type Story, stories } from './world.ts'

const text = new TextDecoder()

/** Entries of the named logs, from which the records start. */
export function namedLogs(): ReadonlyMap<string, readonly string[]> {
  return new Map(stories().map(({ log }) => [log.slug, log.entries.map(entry => text.decode(entry.bytes))]))
}

export function logVectors(): VectorFiles {
  const files = stories().map(story => {
    const about = `The log of ${story.log.slug}: ${story.comment}`
    return [`logs/${story.log.slug}.json`, { about, cases: [logCase(story)] }] as const
  })
  return Object.fromEntries(files)
}

function logCase({ log, comment, notes }: Story): VectorCase {
  const replay = new Replay()
  const roots = [toBase64url(rootOfLeaves([], sha256))]
  const entries = log.entries.map(({ bytes }) => {
    const applied = replay.apply(bytes)
    if (!applied.ok) throw new Error(`${log.slug}: ${applied.error.code}`)
    const { entry } = applied.value
    roots.push(
      toBase64url(
        rootOfLeaves(
          replay.entries.map(({ leaf }) => leaf),
          sha256,
        ),
      ),
    )
    return { entry: text.decode(bytes), record_id: entry.id, leaf: toBase64url(entry.leaf) }
  })
  return {
    id: log.slug,
    comment,
    tags: ['valid', 'log'],
    society: log.id,
    origin: originOf(log.id),
    entries,
    roots,
    checkpoints: checkpoints(log, notes),
    state: replay.pairs().map(([key, value]) => [key, text.decode(value)]),
    keys: replay.pairs().length,
    digest: toBase64url(replay.digest()),
  }
}

/** Each note with what it says, and what is final when it and the ones before it are known. */
function checkpoints(log: Story['log'], notes: Story['notes']): object[] {
  const cosigned = new Map<string, number>()
  return notes.map(options => {
    const note = orderedNote(log, options)
    const parsed = parseNote(note)
    if (!parsed.ok) throw new Error(parsed.error.code)
    const { size, root } = parsed.value.checkpoint
    for (const { key } of validCosigners(parsed.value, verifySync, sha256))
      cosigned.set(key, Math.max(cosigned.get(key) ?? 0, size))
    const replay = new Replay()
    for (const { bytes } of log.entries.slice(0, size)) replay.apply(bytes)
    const { current, handovers } = handoversOf(replay)
    return {
      size,
      root: toBase64url(root),
      text: parsed.value.text,
      note,
      log_key: (options.logKey ?? log.society).key,
      cosignatures: findCosignatures(parsed.value, sha256).map(({ key, time }) => ({ key, time })),
      final: finalSize(current, handovers, cosigned),
    }
  })
}
