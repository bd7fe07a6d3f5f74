import assert from 'node:assert/strict'
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createKeyFile, readSeed } from '../../node/keys/keystore.ts'
import { Prng } from '../../sim/prng.ts'
import type { Law } from '../../src/records/law.ts'
import { type Ended, web4 } from '../support/real-command.ts'
import { RealNodes, type RealSociety } from '../support/real-nodes.ts'

/** Real nodes, and an operator at a terminal who changes the law and the key of one of them. */
describe('web4 law and web4 keys rotate', function () {
  this.timeout(300_000)
  let real: RealNodes
  let home: RealSociety
  let dir: string
  let passphraseFile: string

  before(async () => {
    real = await RealNodes.start(5)
    await real.found(0, new Prng(5))
    home = real.societies[0] as RealSociety
    dir = real.folder(0)
    passphraseFile = join(real.dir, 'passphrase')
    await writeFile(passphraseFile, real.passphrase)
  })
  after(() => real?.stop())

  const run = (...args: readonly string[]) => web4(...args, '--dir', dir)
  const lawInForce = async (at = home) => (await at.node.client.law({ id: home.id })).law as unknown as Law
  const keysInForce = async () => (await home.node.client.law({ id: home.id })).keys

  function done({ code, stderr, stdout }: Ended): string {
    assert.equal(code, 0, stderr)
    return stdout
  }
  function refused({ code, stderr }: Ended, expected: string): string {
    assert.equal(code, 1, stderr)
    assert.match(stderr, new RegExp(`^web4: ${expected}: `, 'm'))
    return stderr
  }

  it('shows the law of the own society and of others', async () => {
    const own = done(await run('law', 'show'))
    assert.match(own, new RegExp(`^law 0 of ${home.id}\n`))
    assert.match(own, /^finality {2}3 of 4 witnesses sign, 1 may lie, 1 may be away$/m)
    assert.match(own, /^decay\.base_ppm = 50000$/m)
    const other = real.societies[1] as RealSociety
    const facts = JSON.parse(done(await run('law', 'show', other.id, '--json'))) as { society: string }
    assert.equal(facts.society, other.id)
    refused(await run('law', 'show', `nowhere-${'a'.repeat(26)}`), 'NOT_FOUND')
  })

  it('tries a change, makes it, and says what is refused and why', async () => {
    const change = [
      'law',
      'update',
      '--decay',
      'low',
      '--set',
      'ceilings.charge=5000000',
      '--endpoint',
      '/ip4/127.0.0.1/tcp/9',
    ]
    const tried = done(await run(...change, '--dry-run'))
    assert.match(tried, /^decay\.base_ppm: 50000 → 10000$/m)
    assert.match(tried, /^endpoints: \+ "\/ip4\/127\.0\.0\.1\/tcp\/9"$/m)
    assert.match(tried, /nothing was changed\n$/)
    assert.equal((await lawInForce()).number, 0)
    assert.match(done(await run(...change, '--wait')), /^law 1: final as entry \d+$/m)
    const { ceilings, decay, number } = await lawInForce(real.societies[1])
    assert.deepEqual([number, decay.base_ppm, ceilings.charge], [1, 10_000, 5_000_000])
    assert.match(refused(await run('law', 'update', '--decay', '2000000'), 'LAW_VALUES'), /decay\.base_ppm/)
    refused(await run('law', 'update', '--quorum', '2'), 'LAW_QUORUM')
    refused(await run('law', 'update', '--set', 'colour=blue'), 'FORMAT_UNKNOWN_FIELD')
    assert.equal((await run('law', 'update', '--quorum', '0')).code, 2)
    assert.equal((await lawInForce()).number, 1)
  })

  it('removes a witness by the name of its society and takes it back by its key; every handover is said to be one', async () => {
    const gone = (await real.nodes[4]?.client.status())?.witness_key ?? ''
    const slug = real.societies[4]?.slug ?? ''
    const out = await run('law', 'update', '--remove-witness', slug, '--wait')
    done(out)
    assert.match(out.stderr, /^quorum {4}3, the default for 3 witnesses;/m)
    assert.match(out.stderr, /^handover {2}nothing after it is final until 3 of the present witnesses have signed/m)
    assert.ok(!(await lawInForce()).finality.witnesses.includes(gone))
    const back = await run('law', 'update', '--add-witness', gone, '--quorum', '3', '--wait')
    done(back)
    assert.match(back.stderr, new RegExp(`^consent {3}asked of ${gone}$`, 'm'))
    assert.equal((await lawInForce()).finality.quorum, 3)
    refused(await run('law', 'update', '--add-witness', 'web4:1:nonsense'), 'INVITATION_FORMAT')
  })

  it('rotates the key with the next one in the folder, then with one that was offline, then after a restart', async () => {
    const keys = join(dir, 'keys')
    const names = async () => (await readdir(keys)).filter(name => /^(society|next)/.test(name)).sort()
    const nextKey = async () => (await readFile(join(keys, 'next.pub'), 'utf8')).trim()

    const first = await nextKey()
    assert.match(done(await run('keys', 'rotate', '--wait')), /take it offline/)
    assert.equal((await keysInForce()).society, first)
    assert.deepEqual(await names(), ['next.key', 'next.pub', 'society.1.old.key', 'society.key'])

    // Offline: under another passphrase, in a file elsewhere.
    const second = await nextKey()
    const offline = join(real.dir, 'offline.key')
    const { seed } = await readSeed(join(keys, 'next.key'), real.passphrase)
    await createKeyFile(offline, 'next', 'kept in a safe', { seed })
    await rm(join(keys, 'next.key'))
    const safe = join(real.dir, 'safe')
    await writeFile(safe, 'kept in a safe')
    refused(await run('keys', 'rotate'), 'KEY_FILE')
    const bring = ['keys', 'rotate', '--next-passphrase-file', safe, '--passphrase-file', passphraseFile, '--next']
    refused(await run(...bring, join(keys, 'society.key')), 'PASSPHRASE')
    done(await run(...bring, offline, '--wait'))
    assert.equal((await keysInForce()).society, second)
    assert.deepEqual(await names(), ['next.key', 'next.pub', 'society.1.old.key', 'society.2.old.key', 'society.key'])

    // As if the power had failed before the names were changed.
    await real.kill(0)
    await rename(join(keys, 'society.key'), join(keys, 'society.new.key'))
    await rename(join(keys, 'society.2.old.key'), join(keys, 'society.key'))
    await real.restart(0)
    assert.deepEqual(await names(), ['next.key', 'next.pub', 'society.1.old.key', 'society.2.old.key', 'society.key'])
    const third = await nextKey()
    await real.final()
    done(await run('keys', 'rotate', '--wait'))
    assert.equal((await keysInForce()).society, third)
    await home.node.client.issue({ body: { kind: 'atp.mint', body: { amount: 1 } } })
    await real.final()
  })
})
