import assert from 'node:assert/strict'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { keyBytes } from '../../src/encoding.ts'
import { cosignatureMessage, findCosignatures } from '../../src/log/cosignature.ts'
import { formatNote, type Note, parseNote } from '../../src/log/note.ts'
import type { Result } from '../../src/result.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster, type Members } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { createCrashStore } from '../support/crash-store.ts'
import { forgeBranch, forgeEntry, peerOf, signNote } from '../support/forge.ts'

interface Scene {
  readonly cluster: Cluster & { readonly members: Members }
  readonly home: ClusterNode
  readonly witness: ClusterNode
  readonly size: number
}

/** s1 is asked by s0 itself; nothing else moves. */
async function scene(options: Parameters<typeof Cluster.resume>[0] = {}): Promise<Scene> {
  const cluster = await Cluster.resume(options)
  await cluster.ready([cluster.nodes[0] as ClusterNode])
  await cluster.clock.advance(2_500)
  const [home, witness] = cluster.nodes as [ClusterNode, ClusterNode]
  return { cluster, home, witness, size: home.log().replica.tip.size }
}

function ask({ cluster, home }: Scene, witness: ClusterNode, note: Note): Promise<Result<{ readonly line: string }>> {
  return cluster.clock.run(witness.federation.serve.cosign(peerOf(home), { note: formatNote(note) }))
}
const outcome = (result: Result<unknown>) => (result.ok ? 'ok' : result.error.code)

async function noteAt({ home }: Scene, size: number): Promise<Note> {
  return signNote(home, size, (await home.log().replica.rootAt(size)) as Uint8Array)
}

/** The next entry of s0, which nobody holds. */
async function nextBranch({ cluster, home, size }: Scene, amount = 5) {
  const { anna, ben } = cluster.members
  const record = home.draft(anna, 'atp.transfer', { amount, from: anna.lct, to: ben.lct })
  return forgeBranch(home, size, [forgeEntry(record, [anna.identity], size)])
}

describe('witness', () => {
  it('cosigns what it holds, and the same again', async () => {
    const s = await scene()
    const note = await noteAt(s, s.size)
    for (let i = 0; i < 2; i++) {
      const answer = await ask(s, s.witness, note)
      assert.ok(answer.ok)
      const parsed = parseNote(`${note.text}\n${answer.value.line}`)
      assert.ok(parsed.ok)
      const [found] = findCosignatures(parsed.value, sha256)
      assert.ok(found)
      assert.equal(found.key, s.witness.keys.witness.key)
      const message = cosignatureMessage(note.text, Math.floor(s.cluster.clock.now() / 1_000))
      assert.ok(verifySync(keyBytes(found.key) as Uint8Array, found.signature, message))
    }
  })

  it('waits for entries that are on their way, and then cosigns', async () => {
    const s = await scene()
    const branch = await nextBranch(s)
    s.cluster.clock.after(1_400, () => void s.witness.federation.group(s.home.society, branch.frame, 's2'))
    const before = s.cluster.clock.now()
    assert.equal(outcome(await ask(s, s.witness, branch.note)), 'ok')
    assert.equal(s.cluster.clock.now() - before, 1_400)
  })

  it('CHECKPOINT_AHEAD: the entries did not come in time', async () => {
    const s = await scene()
    const before = s.cluster.clock.now()
    assert.equal(outcome(await ask(s, s.witness, (await nextBranch(s)).note)), 'CHECKPOINT_AHEAD')
    assert.equal(s.cluster.clock.now() - before, 1_500)
  })

  it('CHECKPOINT_SHRINKS: a size below one that it cosigned', async () => {
    const s = await scene()
    const branch = await nextBranch(s)
    await s.witness.federation.group(s.home.society, branch.frame, 's2')
    assert.equal(outcome(await ask(s, s.witness, branch.note)), 'ok')
    assert.equal(outcome(await ask(s, s.witness, await noteAt(s, s.size))), 'CHECKPOINT_SHRINKS')
    const restarted = await s.cluster.restart(s.witness)
    await s.cluster.clock.advance(3_000)
    assert.equal(outcome(await ask(s, restarted, await noteAt(s, s.size))), 'CHECKPOINT_SHRINKS')
  })

  it('STARTING: another process with its key signed at the same moment', async () => {
    let another: Uint8Array | undefined
    const s = await scene({
      store: (index, content) => {
        const store = createMemoryStore(content)
        if (index !== 1) return store
        return {
          ...store,
          batch: async (ops, options) => {
            const [op] = ops
            const value = another
            another = undefined
            if (op?.key.startsWith('cosigned/') && value !== undefined)
              await store.batch([{ type: 'put', key: op.key, value }], { sync: true })
            return store.batch(ops, options)
          },
        }
      },
    })
    another = Buffer.from(`{"note":"","root":"","size":${s.size + 9}}`)
    assert.equal(outcome(await ask(s, s.witness, await noteAt(s, s.size))), 'STARTING')
    assert.equal(outcome(await ask(s, s.witness, await noteAt(s, s.size))), 'CHECKPOINT_SHRINKS')
  })

  it('CHECKPOINT_FORK, then FROZEN: another history of a size that it holds', async () => {
    const s = await scene()
    const other = signNote(s.home, s.size, new Uint8Array(32).fill(1))
    assert.equal(outcome(await ask(s, s.witness, other)), 'CHECKPOINT_FORK')
    await s.cluster.clock.advance(10)
    assert.equal(outcome(await ask(s, s.witness, await noteAt(s, s.size))), 'FROZEN')
  })

  for (const [behindMs, expected] of [
    [61_000, 'CHECKPOINT_FUTURE'],
    [59_000, 'ok'],
  ] as const) {
    it(`${expected}: the newest entry is ${behindMs} ms ahead of its clock`, async () => {
      const s = await scene({ clock: (index, clock) => (index === 1 ? clock.skewed(-behindMs) : clock) })
      const branch = await nextBranch(s)
      await s.witness.federation.group(s.home.society, branch.frame, 's2')
      assert.equal(outcome(await ask(s, s.witness, branch.note)), expected)
    })
  }

  it('NOT_CONSENTED: its operator did not agree, or no law names it', async () => {
    const s = await scene()
    await s.witness.federation.setPolicy(s.home.society, { follow: true, witness: false, block: false })
    assert.equal(outcome(await ask(s, s.witness, await noteAt(s, s.size))), 'NOT_CONSENTED')
    const stranger = await s.cluster.add({ name: 'stranger', store: createMemoryStore() })
    await stranger.federation.setPolicy(s.home.society, { follow: true, witness: true, block: false })
    await s.cluster.clock.advance(5_000)
    assert.equal(stranger.log(s.home.society).replica.tip.size, s.size)
    assert.equal(outcome(await ask(s, stranger, await noteAt(s, s.size))), 'NOT_CONSENTED')
  })

  it('PEER_DENIED: whoever asks is blocked', async () => {
    const s = await scene()
    await s.witness.federation.setPolicy(s.home.society, { follow: true, witness: true, block: true })
    assert.equal(outcome(await ask(s, s.witness, await noteAt(s, s.size))), 'PEER_DENIED')
  })

  it('STARTING: until the sequencer and n − q + 1 others have told it what they cosigned', async () => {
    const s = await scene()
    s.cluster.net.partition(['s0', 's2', 's3'], ['s1'])
    const restarted = await s.cluster.restart(s.witness)
    const note = await noteAt(s, s.size)
    const told = async (group: string[]) => {
      s.cluster.net.partition(group)
      await s.cluster.clock.advance(3_000)
      return outcome(await ask(s, restarted, note))
    }
    assert.equal(await told(['s1']), 'STARTING')
    assert.equal(await told(['s1', 's2']), 'STARTING', 'others, but not the sequencer')
    assert.equal(await told(['s1', 's0']), 'ok')
  })

  it('NOTE_SIGNATURE, NOTE_ORIGIN, NOTE_FORMAT: no checkpoint of the log', async () => {
    const s = await scene()
    const { root } = s.home.log().replica.tip
    assert.equal(outcome(await ask(s, s.witness, signNote(s.home, s.size, root, s.home.keys.next))), 'NOTE_SIGNATURE')
    const serve = (note: string) => s.cluster.clock.run(s.witness.federation.serve.cosign(peerOf(s.home), { note }))
    assert.equal(outcome(await serve('x')), 'NOTE_FORMAT')
    const [, text = ''] = /^(?:[^\n]*)\n([\s\S]*)$/.exec(formatNote(await noteAt(s, s.size))) ?? []
    assert.equal(outcome(await serve(`web4/${s.home.society}/epoch-01\n${text}`)), 'NOTE_ORIGIN')
    assert.equal(outcome(await serve(`web4/${s.home.society}/epoch-1\n${text}`)), 'EPOCH_UNKNOWN')
  })

  it('has on the disk what it signs, before it signs', async () => {
    const events: string[] = []
    const s = await scene({
      store: (index, content) => {
        const store = createMemoryStore(content)
        if (index !== 1) return store
        return {
          ...store,
          batch: async (ops, options) => {
            await Promise.resolve()
            const done = await store.batch(ops, options)
            for (const { key } of ops) if (key.startsWith('cosigned/')) events.push(`disk, sync ${options.sync}`)
            return done
          },
        }
      },
    })
    const { witness } = s.witness.keys
    const { sign } = witness
    Object.assign(witness, {
      sign: (message: Uint8Array) => {
        if (Buffer.from(message).toString().startsWith('cosignature/v1')) events.push('sign')
        return sign(message)
      },
    })
    events.length = 0
    assert.equal(outcome(await ask(s, s.witness, await noteAt(s, s.size))), 'ok')
    assert.deepEqual(events, ['disk, sync true', 'sign'])
  })

  it('signs nothing when its store fails', async () => {
    const disks = new Map<number, ReturnType<typeof createCrashStore>>()
    const s = await scene({
      store: (index, content) => {
        const disk = createCrashStore({ content })
        disks.set(index, disk)
        return disk.store
      },
    })
    const disk = disks.get(1)
    assert.ok(disk)
    const branch = await nextBranch(s)
    await s.witness.federation.group(s.home.society, branch.frame, 's2')
    await s.cluster.clock.advance(0)
    disk.failAt(disk.writes + 1)
    await assert.rejects(ask(s, s.witness, branch.note), { code: 'STORE_FAILED' })
    const key = storeKey.cosigned(s.home.society, s.witness.keys.witness.key, 0)
    const [before] = await disk.crash().getMany([key])
    assert.ok(
      !Buffer.from(before ?? [])
        .toString()
        .includes(`"size":${s.size + 1}`),
    )
  })
})
