import assert from 'node:assert/strict'
import { rejection } from '../../src/rejection.ts'
import { fail } from '../../src/result.ts'
import { identity } from '../support/identity.ts'
import { CliScene } from './support/cli.ts'
import { fakeService, HASH, KEY, LCT, SOCIETY, society } from './support/fake-service.ts'

const { resumes } = fakeService()
const WITNESS = identity('witness').key

describe('web4 resume', () => {
  let scene: CliScene
  beforeEach(async () => {
    scene = await CliScene.open()
  })
  afterEach(() => scene.close())

  it('shows what would be kept and given up, and does nothing', async () => {
    const asked: number[] = []
    await scene.serve({
      resumes: {
        ...resumes,
        resume: async size => {
          asked.push(size)
          return fail(rejection('INTERNAL'))
        },
      },
    })
    const { code, stdout } = await scene.web4(['resume', '--size', '2'])
    assert.equal(code, 0)
    assert.equal(
      stdout,
      [
        `${SOCIETY}: the log has two histories`,
        `keeps     2 entries, root ${HASH}`,
        'final     2 entries; none of them can be given up',
        'gives up  1 entries held here',
        `          2 attest ${HASH} by ${LCT}`,
        'witnesses 0 of the 3 needed have countersigned',
        '',
        'Nothing has been done. To go on: web4 resume --size 2 --yes',
        '',
      ].join('\n'),
    )
    assert.deepEqual(asked, [])
  })

  it('goes on with --yes, and says which epoch begins where', async () => {
    await scene.serve()
    const facts = await scene.json<{ seq: number; view: { epoch: number } }>('resume', '--yes')
    assert.deepEqual([facts.seq, facts.view.epoch], [3, 1])
  })

  it('RESUME_QUORUM says what the operators of the witnesses do', async () => {
    await scene.serve({
      resumes: { ...resumes, resume: async () => fail(rejection('RESUME_QUORUM', `1 of 3; ${KEY}: RESUME_APPROVAL`)) },
    })
    const { code, stderr } = await scene.web4(['resume', '--yes'])
    assert.equal(code, 1)
    assert.match(stderr, /^web4: RESUME_QUORUM: /)
    assert.match(stderr, /web4 resume approve/)
  })

  it('shows the history of a witness, and goes over to it with --yes', async () => {
    await scene.serve()
    const { stdout } = await scene.web4(['resume', '--from', WITNESS])
    assert.equal(
      stdout,
      [
        `${SOCIETY}: a history that this node does not hold`,
        `keeps     3 entries, root ${HASH}`,
        'shared    2 entries, 2 of them final',
        'gives up  1 entries held here',
        `          2 attest ${HASH} by ${LCT}`,
        '',
        `Nothing has been done. To go over: web4 resume --from ${WITNESS} --size 3 --yes`,
        '',
      ].join('\n'),
    )
    const done = await scene.web4(['resume', '--from', WITNESS, '--yes'])
    assert.match(done.stdout, /To resume it: web4 resume --size 3 --yes\n$/)
    assert.equal((await scene.web4(['resume', '--from', 'z6Mk'])).code, 2)
  })

  it('shows requests, approves the one that is named, and repeats its size', async () => {
    await scene.serve()
    const { stdout } = await scene.web4(['resume', 'requests'])
    assert.match(stdout, new RegExp(`to agree: web4 resume approve ${SOCIETY} --size 2\n$`))
    const approved = await scene.json('resume', 'approve', SOCIETY, '--size', '2')
    assert.deepEqual([approved.approved, approved.size, approved.root, approved.epoch], [true, 2, HASH, 1])
    await scene.refused('NOT_FOUND', 'resume', 'approve', society.society.replace('a', 'b'), '--size', '2')
  })

  it('lists what was given up', async () => {
    await scene.serve()
    const { stdout } = await scene.web4(['resume', 'dropped', SOCIETY])
    assert.equal(stdout, `          2 attest ${HASH} by ${LCT}\n`)
    await scene.refused('NOT_FOUND', 'resume', 'dropped', SOCIETY, '--epoch', '1')
  })
})

describe('web4 status of a log that stands still', () => {
  let scene: CliScene
  beforeEach(async () => {
    scene = await CliScene.open()
  })
  afterEach(() => scene.close())

  it('says what is disputed, who cosigned both histories, and what continues it', async () => {
    const log = {
      ...society,
      state: 'succeeded',
      frozen: true,
      disputed: { from: 2, to: 3 },
      convicted: [KEY],
      epoch: 1,
      resumed: [1],
      successors: [
        { society: SOCIETY, size: 3, root: HASH, proven: true },
        { society: SOCIETY, size: 3, root: HASH, proven: false },
      ],
    } as const
    const { status } = fakeService()
    await scene.serve({ status: () => ({ ...status(), logs: [log] }) })
    const { stdout } = await scene.web4(['status'])
    for (const line of [
      'succeeded, 3 entries, 2 final',
      'it has two histories; entries from 2 to 2 are disputed',
      '`web4 resume` shows what can be kept',
      `cosigned both histories: ${KEY}`,
      'resumed, keeping 1 entries; epoch 1',
      `continued by ${SOCIETY}, with a key of this log`,
      `continued by ${SOCIETY}, it says; no key of this log proves it`,
    ])
      assert.ok(stdout.includes(line), `${line}\n${stdout}`)
  })
})
