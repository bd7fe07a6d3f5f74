import assert from 'node:assert/strict'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { parseInvitation } from '../../node/invitation.ts'
import { createKeyFile, openKeyFile } from '../../node/keys/keystore.ts'
import { CliScene } from './support/cli.ts'
import { fakeService } from './support/fake-service.ts'

describe('web4 init and invitation', function () {
  this.timeout(30_000)
  let scene: CliScene
  beforeEach(async () => {
    scene = await CliScene.open()
  })
  afterEach(() => scene.close())

  const files = async () => (await readdir(join(scene.dir, 'keys'))).sort()

  it('makes keys in files of their own, options that start reads, and an invitation', async () => {
    const facts = await scene.json<Record<string, string>>('init', '--name', 'alpha')
    assert.deepEqual(await files(), [
      'entity.salt',
      'next.key',
      'next.pub',
      'society.key',
      'transport.seed',
      'witness.key',
    ])
    for (const name of await files()) assert.equal((await stat(join(scene.dir, 'keys', name))).mode & 0o077, 0, name)
    const witness = await openKeyFile(join(scene.dir, 'keys', 'witness.key'), 'correct horse')
    const config = JSON.parse(await readFile(join(scene.dir, 'config.json'), 'utf8'))
    assert.equal(config.name, 'alpha')
    const [listen = ''] = config.listen as string[]
    assert.match(listen, /^\/ip4\/127\.0\.0\.1\/tcp\/[1-9]\d+$/)
    assert.ok(config.api_port > 0)
    const invitation = parseInvitation(facts.invitation ?? '')
    assert.ok(invitation.ok)
    assert.equal(invitation.value.name, 'alpha')
    assert.equal(invitation.value.key, witness.key)
    assert.equal(invitation.value.addresses.length, 1)
    assert.ok(invitation.value.addresses[0]?.startsWith(`${listen}/p2p/12D3`))
    assert.equal(facts.next_key_file, join(scene.dir, 'keys', 'next.key'))
    // The same line while no node runs.
    assert.equal((await scene.json('invitation')).invitation, facts.invitation)
  })

  it('says to take the next key offline, and ends with the invitation on a line of its own', async () => {
    const { stdout } = await scene.web4(['init', '--name', 'alpha'])
    assert.match(stdout, /next key in .*next\.key\n {2}Take it offline/)
    assert.match(stdout, /\nweb4:1:alpha:\S+\n$/)
  })

  it('takes the next key of a log that ended as its society key', async () => {
    const old = join(scene.dir, 'offline.key')
    const passphrase = join(scene.dir, 'offline.txt')
    await writeFile(passphrase, 'battery staple\n')
    const next = await createKeyFile(old, 'next', 'battery staple', { kdf: { opslimit: 1, memlimit: 8192 } })
    const taking = ['init', '--name', 'heir', '--society-key', old]
    await scene.refused('PASSPHRASE', ...taking)
    await scene.json(...taking, '--society-key-passphrase-file', passphrase)
    const society = await openKeyFile(join(scene.dir, 'keys', 'society.key'), 'correct horse')
    assert.deepEqual([society.key, society.purpose], [next, 'society'])
  })

  it('FOLDER_TAKEN: says what is there and changes nothing', async () => {
    await scene.json('init', '--name', 'alpha')
    const before = await Promise.all((await files()).map(name => readFile(join(scene.dir, 'keys', name))))
    const detail = await scene.refused('FOLDER_TAKEN', 'init', '--name', 'beta')
    const { key } = JSON.parse(await readFile(join(scene.dir, 'keys', 'witness.key'), 'utf8'))
    assert.ok(detail.includes('alpha') && detail.includes(key), detail)
    assert.deepEqual(await Promise.all((await files()).map(name => readFile(join(scene.dir, 'keys', name)))), before)
  })

  it('goes on with the keys that an interrupted one left', async () => {
    await scene.json('init', '--name', 'alpha')
    const key = await readFile(join(scene.dir, 'keys', 'society.key'), 'utf8')
    await rm(join(scene.dir, 'config.json'))
    await scene.json('init', '--name', 'alpha')
    assert.equal(await readFile(join(scene.dir, 'keys', 'society.key'), 'utf8'), key)
  })

  it('SLUG_FORMAT: a name that is no slug, before anything is made', async () => {
    for (const name of ['Alpha', '-alpha', 'alpha-', 'al pha', 'a'.repeat(33), ''])
      await scene.refused('SLUG_FORMAT', 'init', '--name', name)
    assert.deepEqual(await readdir(scene.dir), [])
  })

  it('BAD_REQUEST: an address that this machine has not, or that is taken', async () => {
    await scene.refused('BAD_REQUEST', 'init', '--name', 'alpha', '--listen', '/ip4/192.0.2.1/tcp/0')
    await scene.refused('BAD_REQUEST', 'init', '--name', 'alpha', '--listen', 'nonsense')
    const server = createServer()
    const port = await new Promise<number>(resolve =>
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
    )
    try {
      const detail = await scene.refused(
        'BAD_REQUEST',
        'init',
        '--name',
        'alpha',
        '--listen',
        `/ip4/127.0.0.1/tcp/${port}`,
      )
      assert.match(detail, /another program/)
    } finally {
      server.close()
    }
    assert.deepEqual(await readdir(scene.dir), [])
  })

  it('invitation: of a running node, with its addresses of the moment', async () => {
    await scene.json('init', '--name', 'alpha')
    const { key } = JSON.parse(await readFile(join(scene.dir, 'keys', 'witness.key'), 'utf8'))
    const addresses = ['/ip4/127.0.0.1/tcp/7', '/ip4/192.0.2.9/tcp/7']
    const status = fakeService().status()
    await scene.serve({ status: () => ({ ...status, witness_key: key, addresses }) })
    const parsed = parseInvitation(String((await scene.json('invitation')).invitation))
    // Loopback is of use to nobody else once there is another one.
    assert.deepEqual(parsed.ok && parsed.value, { name: 'alpha', key, addresses: ['/ip4/192.0.2.9/tcp/7'] })
  })

  it('KEY_FILE, BAD_REQUEST: a folder that nobody set up', async () => {
    await scene.refused('BAD_REQUEST', 'invitation')
    await scene.refused('KEY_FILE', 'invitation', '--name', 'alpha')
    await writeFile(join(scene.dir, 'config.json'), '{"name":"alpha","colour":"red"}')
    assert.match(await scene.refused('BAD_REQUEST', 'invitation'), /config\.json: unknown option colour/)
  })
})
