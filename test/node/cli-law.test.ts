import assert from 'node:assert/strict'
import { CliScene } from './support/cli.ts'
import { fakeService } from './support/fake-service.ts'

describe('web4 law update, on a terminal', () => {
  let scene: CliScene
  let changed: object[]
  beforeEach(async () => {
    scene = await CliScene.open()
    changed = []
    const { operator } = fakeService()
    const { laws } = operator
    await scene.serve({
      operator: {
        ...operator,
        laws: {
          ...laws,
          async change(changes) {
            changed.push(changes)
            return laws.change(changes)
          },
        },
      },
    })
  })
  afterEach(() => scene.close())

  const update = ['law', 'update', '--decay', 'low']
  const rate = { decay: { base_ppm: 10_000 } }

  it('shows what it means and asks; anything but yes changes nothing', async () => {
    for (const answer of ['n', '', 'why']) {
      const { code, stderr } = await scene.web4(update, [answer])
      assert.equal(code, 2, stderr)
      assert.match(stderr, /Change the law\? \[y\/N\]/)
      assert.match(stderr, /nothing was changed/)
    }
    assert.deepEqual(changed, [])
    assert.equal((await scene.web4(update, ['y'])).code, 0)
    assert.deepEqual(changed, [rate])
  })

  it('does not ask with --yes, nor where nobody can answer', async () => {
    assert.equal((await scene.web4([...update, '--yes'], [])).code, 0)
    assert.equal((await scene.web4(update)).code, 0)
    assert.deepEqual(changed, [rate, rate])
  })
})
