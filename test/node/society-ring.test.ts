import assert from 'node:assert/strict'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKeyFile } from '../../node/keys/keystore.ts'
import { commitmentOf, type Rotation, SocietyKeyFiles } from '../../node/keys/society-ring.ts'
import { CodedError } from '../../src/rejection.ts'
import type { KeysState } from '../../src/state/model.ts'

const PASSPHRASE = 'correct horse'
/** The least that libsodium takes: guessing is not what is tested here. */
const kdf = { opslimit: 1, memlimit: 8_192 }

describe('the society keys of a folder', () => {
  let root: string
  let folder: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'web4-ring-'))
    folder = join(root, 'keys')
    await mkdir(folder)
  })
  afterEach(() => rm(root, { recursive: true }))

  const open = (at = folder) => SocietyKeyFiles.open(at, PASSPHRASE, { kdf })
  const names = async (at = folder) => (await readdir(at)).sort()
  const publicOf = async (name: string, at = folder) =>
    (JSON.parse(await readFile(join(at, name), 'utf8')) as { key: string }).key
  const nextPub = async (at = folder) => (await readFile(join(at, 'next.pub'), 'utf8')).trim()
  const isKeyFile = (error: unknown) => error instanceof CodedError && error.code === 'KEY_FILE'

  interface Prepared {
    readonly ring: SocietyKeyFiles
    readonly rotation: Rotation
    readonly before: KeysState
    readonly after: KeysState
  }

  /** The first rotation of a society, ready to be written into its log. */
  async function prepared(): Promise<Prepared> {
    const ring = await open()
    const { next, signer } = ring.founding
    const rotation = await ring.prepare(next)
    const after = { next: rotation.next, society: rotation.key }
    return { ring, rotation, before: { next, society: signer.key }, after }
  }

  /** What a folder looks like when all of a rotation is done; the next one works. */
  async function assertDone(at: string, { after, before }: Prepared): Promise<void> {
    assert.deepEqual(await names(at), ['next.key', 'next.pub', 'society.1.old.key', 'society.key'])
    assert.equal(await publicOf('society.key', at), after.society)
    assert.equal(await publicOf('society.1.old.key', at), before.society)
    assert.equal(commitmentOf(await publicOf('next.key', at)), after.next)
    assert.equal(await nextPub(at), await publicOf('next.key', at))
    assert.equal((await openKeyFile(join(at, 'society.key'), PASSPHRASE)).purpose, 'society')
    const again = await open(at)
    await again.settle(after)
    assert.ok(again.signerFor(after.society))
    assert.equal(commitmentOf((await again.prepare(after.next)).key), after.next)
  }

  it('are made once, and stay', async () => {
    const first = (await open()).founding
    const files = await names()
    assert.deepEqual(files, ['next.key', 'next.pub', 'society.key'])
    const again = await open()
    assert.deepEqual(again.held, [first.signer.key])
    assert.equal(again.founding.next, first.next)
    assert.equal(first.next, commitmentOf(await nextPub()))
    assert.deepEqual(await names(), files)
  })

  it('have the coming keys on the disk before the record goes out, and their names after it', async () => {
    const made = await prepared()
    const { after, before, ring, rotation } = made
    assert.equal(rotation.key, await nextPub())
    const coming = ['next.new.key', 'next.new.pub', 'society.new.key']
    assert.deepEqual(await names(), [...coming, 'next.key', 'next.pub', 'society.key'].sort())
    assert.ok(ring.signerFor(before.society) && ring.signerFor(after.society))
    await ring.settle(after)
    await assertDone(folder, made)
  })

  it('are finished at the next start, wherever the power failed', async () => {
    const made = await prepared()
    const steps: readonly ((at: string) => Promise<unknown>)[] = [
      at => rename(join(at, 'society.key'), join(at, 'society.1.old.key')),
      at => rename(join(at, 'society.new.key'), join(at, 'society.key')),
      at => rm(join(at, 'next.key')),
      at => rename(join(at, 'next.new.key'), join(at, 'next.key')),
      at => rename(join(at, 'next.new.pub'), join(at, 'next.pub')),
    ]
    for (let done = 0; done <= steps.length; done++) {
      const at = join(root, `after ${done}`)
      await cp(folder, at, { recursive: true })
      for (const step of steps.slice(0, done)) await step(at)
      const ring = await open(at)
      await ring.settle(made.after)
      assert.ok(ring.signerFor(made.after.society), `after ${done}`)
      await assertDone(at, made)
    }
  })

  it('are what they were when the record never reached the log; the attempt is taken up with the same keys', async () => {
    const { before, rotation } = await prepared()
    const ring = await open()
    await ring.settle(before)
    assert.ok(ring.signerFor(before.society))
    assert.deepEqual(await ring.prepare(before.next), rotation)
    for (const lost of ['next.new.pub', 'next.new.key', 'society.new.key']) {
      await rm(join(folder, lost))
      const { key, next } = await (await open()).prepare(before.next)
      assert.equal(key, rotation.key)
      assert.equal(next, commitmentOf(await publicOf('next.new.key')), lost)
    }
  })

  it('lose what was prepared when the log refuses it', async () => {
    const { before, ring, rotation } = await prepared()
    await ring.abandon(rotation)
    assert.deepEqual(await names(), ['next.key', 'next.pub', 'society.key'])
    assert.deepEqual(ring.held, [before.society])
  })

  it('cannot be rotated without the next key, or with another one', async () => {
    const ring = await open()
    const { next } = ring.founding
    await rename(join(folder, 'next.key'), join(root, 'offline.key'))
    await assert.rejects(ring.prepare(next), isKeyFile)
    const other = join(root, 'other')
    await mkdir(other)
    await open(other)
    await rename(join(other, 'next.key'), join(folder, 'next.key'))
    await assert.rejects(ring.prepare(next), isKeyFile)
    assert.deepEqual(await names(), ['next.key', 'next.pub', 'society.key'])
    await rename(join(root, 'offline.key'), join(folder, 'next.key'))
    assert.equal(commitmentOf((await ring.prepare(next)).key), next)
  })

  it('sign with a retired key again when the log went back to it, and can be rotated from there', async () => {
    const { after, before, ring } = await prepared()
    await ring.settle(after)
    const again = await open()
    await again.settle(before)
    assert.equal(again.signerFor(before.society)?.key, before.society)
    const second = await again.prepare(before.next)
    assert.equal(second.key, after.society)
    await again.settle({ next: second.next, society: second.key })
    assert.equal(await publicOf('society.key'), after.society)
    assert.equal(commitmentOf(await publicOf('next.key')), second.next)
    assert.equal(commitmentOf(await nextPub()), second.next)
  })

  it('are not made anew in a folder that is in the middle of a rotation', async () => {
    const { after } = await prepared()
    await rename(join(folder, 'society.key'), join(folder, 'society.1.old.key'))
    await rm(join(folder, 'society.new.key'))
    const ring = await open()
    assert.ok(!(await names()).includes('society.key'))
    await ring.settle(after)
    assert.ok(ring.signerFor(after.society), 'next.key holds it')
  })

  it('survive a power cut between the two files of the first start; a damaged one is said to be', async () => {
    await open()
    await rm(join(folder, 'next.pub'))
    assert.equal((await open()).founding.next, commitmentOf(await publicOf('next.key')))
    await writeFile(join(folder, 'society.key'), '{}')
    await assert.rejects(open(), isKeyFile)
  })
})
