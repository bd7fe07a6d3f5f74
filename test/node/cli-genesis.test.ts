import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { formatInvitation } from '../../node/invitation.ts'
import type { NodeService, NodeStatus, OperatorService, PoliciesView } from '../../node/service.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'
import { identity } from '../support/identity.ts'
import { CliScene } from './support/cli.ts'
import { fakeService, SOCIETY, society } from './support/fake-service.ts'

const ADDRESS = '/ip4/127.0.0.1/tcp/4001'
const invited = (name: string, address = ADDRESS) => ({ name, key: identity(name).key, addresses: [address] })
const beta = formatInvitation(invited('beta'))
const gamma = formatInvitation(invited('gamma', '/ip4/127.0.0.1/tcp/4002'))

interface Asked {
  readonly genesis: Parameters<OperatorService['genesis']>[0][]
  readonly connected: string[]
  readonly policies: [string, object][]
  readonly founders: Map<string, boolean>
}

/** A node without a society, for which whoever it connects to turns out to be whom `speaks` says. */
function strangers(asked: Asked, speaks: Readonly<Record<string, string>>, refuse?: string): Partial<NodeService> {
  const { operator, status } = fakeService()
  const peers: NodeStatus['peers'][number][] = []
  const now = (): NodeStatus => ({ ...status(), society: '', peers: [...peers], logs: [] })
  const listed = (): PoliciesView => ({
    societies: [...new Set(asked.policies.map(([id]) => id))].map(id => ({
      society: id,
      follow: false,
      block: false,
      witness: false,
      ...Object.assign({}, ...asked.policies.flatMap(([of, changes]) => (of === id ? [changes] : []))),
    })),
    founders: [...asked.founders].flatMap(([key, on]) => (on ? [key] : [])),
  })
  return {
    status: now,
    society: id => (id === SOCIETY ? { ...society, final: 1, witnesses: [] } : undefined),
    operator: {
      ...operator,
      async connect(address) {
        const name = speaks[address]
        if (name === undefined) return fail(rejection('PEER_UNREACHABLE'))
        asked.connected.push(address)
        peers.push({ peer: `peer of ${address}`, society: '', witness_key: identity(name).key, found_by: 'operator' })
        return ok({ peer: `peer of ${address}` })
      },
      async genesis(request) {
        asked.genesis.push(request)
        if (refuse === undefined) return ok({ society: SOCIETY })
        return fail(rejection('NOT_CONSENTED', `${identity(refuse).key}: NOT_CONSENTED`))
      },
      async policy(id, changes) {
        asked.policies.push([id, changes])
        return ok(id === SOCIETY ? society : undefined)
      },
      policies: listed,
      async consent(key, on) {
        asked.founders.set(key, on)
        return listed()
      },
    },
  }
}

const BOTH = { [ADDRESS]: 'beta', '/ip4/127.0.0.1/tcp/4002': 'gamma' }

describe('web4 genesis', function () {
  this.timeout(20_000)
  let scene: CliScene
  let asked: Asked
  beforeEach(async () => {
    scene = await CliScene.open()
    asked = { genesis: [], connected: [], policies: [], founders: new Map() }
    await writeFile(join(scene.dir, 'config.json'), '{"name":"alpha"}')
  })
  afterEach(() => scene.close())

  it('connects to the invited, shows what will be written, and writes it', async () => {
    const service = await scene.serve(strangers(asked, BOTH))
    const end = await scene.web4(['genesis', '--witness', beta, '--witness', gamma])
    assert.equal(end.code, 0, end.stderr)
    assert.deepEqual(asked.connected.sort(), Object.keys(BOTH).sort())
    const keys = [identity('beta').key, identity('gamma').key]
    assert.deepEqual(asked.genesis, [
      {
        slug: 'alpha',
        witnesses: keys,
        birth_witnesses: [...keys, service.status().witness_key],
        birth_quorum: 3,
        quorum: 2,
        law: { endpoints: ['/ip4/127.0.0.1/tcp/1'] },
      },
    ])
    assert.match(end.stderr, /final when 2 of 2 witnesses have signed: 1 may lie, 0 may be away\n {2}beta {2}z6Mk/)
    assert.equal(end.stdout, `founded ${SOCIETY}\nits charter is final\n`)
  })

  it('asks on a terminal for what is missing and for a yes, and for nothing without one', async () => {
    await scene.serve(strangers(asked, BOTH))
    const no = await scene.web4(['genesis'], [beta, '', 'no'])
    assert.equal(no.code, 2, no.stderr)
    assert.match(no.stderr, /nothing was written/)
    assert.deepEqual(asked.genesis, [])
    assert.equal((await scene.web4(['genesis', '--witness', beta, '--witness', gamma], ['y'])).code, 0)
    assert.match(await scene.refused('BAD_REQUEST', 'genesis'), /who are the witnesses/)
    assert.equal(asked.genesis.length, 1)
  })

  it('takes a decay preset, a file of the law, and a practice log only when told', async () => {
    await scene.serve(strangers(asked, BOTH))
    await scene.json('genesis', '--practice', '--law', 'low', '--name', 'gym')
    const law = join(scene.dir, 'law.json')
    await writeFile(law, '{"roles":{"producer":[],"treasury":[]}}')
    await scene.json('genesis', '--witness', beta, '--law', law)
    const [first, second] = asked.genesis
    assert.equal(first?.slug, 'gym')
    assert.deepEqual([first?.witnesses, first?.quorum], [[], 0])
    assert.deepEqual(first?.law?.decay, {
      base_ppm: 10_000,
      grace_ms: 604_800_000,
      max_age_ms: 31_536_000_000,
    })
    assert.deepEqual(second?.law?.roles, { producer: [], treasury: [] })
    await writeFile(law, '{"finality":{"quorum":0,"witnesses":[]}}')
    assert.match(await scene.refused('BAD_REQUEST', 'genesis', '--witness', beta, '--law', law), /finality/)
    await scene.refused('BAD_REQUEST', 'genesis', '--witness', beta, '--law', 'nothing')
  })

  it('LAW_QUORUM: a quorum that cannot be met, or that two halves could meet, or a witness that is this node', async () => {
    await scene.serve({
      ...strangers(asked, BOTH),
      status: () => ({ ...fakeService().status(), society: '' as const, witness_key: identity('self').key }),
    })
    assert.match(
      await scene.refused('LAW_QUORUM', 'genesis', '--witness', beta, '--witness', gamma, '--quorum', '3'),
      /3 cannot be met by 2/,
    )
    assert.match(
      await scene.refused('LAW_QUORUM', 'genesis', '--witness', beta, '--witness', gamma, '--quorum', '1'),
      /at least 2/,
    )
    assert.match(
      await scene.refused('LAW_QUORUM', 'genesis', '--witness', formatInvitation(invited('self'))),
      /self is this node/,
    )
    assert.deepEqual([asked.connected, asked.genesis], [[], []])
  })

  it('NOT_CONSENTED: by name', async () => {
    await scene.serve(strangers(asked, BOTH, 'gamma'))
    const detail = await scene.refused('NOT_CONSENTED', 'genesis', '--witness', beta, '--witness', gamma)
    assert.equal(detail, `no charter was written; gamma (${identity('gamma').key}): NOT_CONSENTED`)
  })

  it('PEER_UNREACHABLE, NODE_STATEMENT: nobody there, or somebody else', async () => {
    await scene.serve(strangers(asked, { [ADDRESS]: 'mallory' }))
    assert.match(await scene.refused('PEER_UNREACHABLE', 'genesis', '--witness', gamma), /gamma does not answer/)
    const detail = await scene.refused('NODE_STATEMENT', 'genesis', '--witness', beta)
    assert.equal(detail, `who answers at ${ADDRESS} is ${identity('mallory').key}, not beta (${identity('beta').key})`)
    assert.deepEqual(asked.genesis, [])
  })

  it('CHARTER_TWICE, SLUG_FORMAT, and the codes of invitations, each as itself', async () => {
    await scene.serve(strangers(asked, BOTH))
    await scene.refused('SLUG_FORMAT', 'genesis', '--witness', beta, '--name', 'Al')
    await scene.refused('INVITATION_CHECKSUM', 'genesis', '--witness', beta.replace('beta', 'beto'))
    await scene.refused('INVITATION_FORMAT', 'genesis', '--witness', beta.slice(0, -2))
    await scene.refused('INVITATION_VERSION', 'genesis', '--witness', beta.replace('web4:1', 'web4:9'))
    await scene.close()
    scene = await CliScene.open()
    await scene.serve()
    await scene.refused('CHARTER_TWICE', 'genesis', '--witness', beta, '--name', 'alpha')
  })
})

describe('web4 follow, witness, block, policy', function () {
  this.timeout(20_000)
  let scene: CliScene
  let asked: Asked
  beforeEach(async () => {
    scene = await CliScene.open()
    asked = { genesis: [], connected: [], policies: [], founders: new Map() }
    await scene.serve(strangers(asked, BOTH))
  })
  afterEach(() => scene.close())

  it('moves one switch and leaves the others', async () => {
    await scene.json('follow', SOCIETY)
    await scene.json('witness', SOCIETY)
    await scene.json('witness', SOCIETY, '--off')
    await scene.json('block', SOCIETY)
    await scene.json('block', SOCIETY, '--off')
    assert.deepEqual(asked.policies, [
      [SOCIETY, { follow: true }],
      [SOCIETY, { follow: true, witness: true }],
      [SOCIETY, { witness: false }],
      [SOCIETY, { block: true }],
      [SOCIETY, { block: false }],
    ])
    await scene.json('unfollow', SOCIETY)
    assert.deepEqual(asked.policies.at(-1), [SOCIETY, { follow: false }])
  })

  it('does not take back a consent in passing', async () => {
    asked.policies.push([SOCIETY, { follow: true, witness: true }])
    assert.match(await scene.refused('BAD_REQUEST', 'unfollow', SOCIETY), /--off/)
    assert.equal(asked.policies.length, 1)
  })

  it('consents to founders by their invitations, whether they answer or not', async () => {
    const away = formatInvitation(invited('away', '/ip4/127.0.0.1/tcp/4009'))
    const end = await scene.web4(['witness', beta, away])
    assert.equal(end.code, 0, end.stderr)
    assert.match(
      end.stdout,
      /^consents to witness what beta founds \(z6Mk\w+\)\nconsents .*; away does not answer: \/ip4/,
    )
    assert.deepEqual([...asked.founders.values()], [true, true])
    assert.match((await scene.web4(['policy'])).stdout, /z6Mk\w+: consents to witness what it founds/)
    await scene.json('witness', beta, '--off')
    assert.deepEqual([...asked.founders.values()], [false, true])
  })

  it('NOT_FOUND, INVITATION_CHECKSUM: nobody of that name, or a typing error', async () => {
    await scene.refused('NOT_FOUND', 'follow', 'delta')
    await scene.refused('NOT_FOUND', 'follow', beta)
    await scene.refused('INVITATION_CHECKSUM', 'witness', beta.replace('beta', 'beto'))
    assert.equal(asked.founders.size, 0)
  })
})
