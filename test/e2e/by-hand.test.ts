import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeNamespaces, type Namespaces, whyNoNamespaces } from '../support/namespaces.ts'
import { Terminal } from '../support/terminal.ts'
import { difference, type TypedLine, transcriptOf } from '../support/transcript.ts'

/**
 * "Separate terminals" of the readme, typed line by line into real shells. Nothing is put in the place of anything: ids and
 * invitations go from one terminal to the other by the lines of the readme themselves.
 */

const root = fileURLToPath(new URL('../../', import.meta.url))
/** One line: key derivation, a round of witnesses, on a busy machine. */
const LINE_MS = 90_000

async function transcript(): Promise<readonly TypedLine[]> {
  return transcriptOf(await readFile(join(root, 'README.md'), 'utf8'))
}

describe('README.md, separate terminals', function () {
  this.timeout(900_000)
  let home: string
  let namespaces: Namespaces | undefined
  const terminals = new Map<string, Terminal>()

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'web4-by-hand-'))
  })
  afterEach(async () => {
    await Promise.all([...terminals.values()].map(terminal => terminal.close()))
    terminals.clear()
    namespaces?.remove()
    namespaces = undefined
    await rm(home, { recursive: true, force: true })
  })

  /** A person's environment: a home, a path with npx, nothing of ours. */
  async function environment(): Promise<NodeJS.ProcessEnv> {
    const bin = join(home, 'bin')
    await mkdir(bin)
    // What npx does in a clone after it has looked around for two seconds: run bin/web4.js.
    const npx = `#!/bin/sh\n[ "$1" = web4 ] || exit 127\nshift\nexec '${process.execPath}' '${join(root, 'bin', 'web4.js')}' "$@"\n`
    await writeFile(join(bin, 'npx'), npx, { mode: 0o755 })
    // Sixty short processes, each of which would strip and compile the same files again.
    const cache = { NODE_COMPILE_CACHE: join(home, 'cache') }
    return { ...cache, HOME: home, PATH: `${bin}${delimiter}${process.env.PATH}`, LANG: 'C.UTF-8' }
  }

  async function play(addressOf: (index: number) => string | undefined): Promise<void> {
    const env = await environment()
    for (const { command, shown, terminal: name } of await transcript()) {
      let terminal = terminals.get(name)
      if (terminal === undefined) {
        const index = terminals.size
        const address = addressOf(index)
        const own = address === undefined ? env : { ...env, IP: address }
        terminal = Terminal.open(name, own, root, namespaces?.enter(index))
        terminals.set(name, terminal)
      }
      // What goes on in the background shows its lines in its own time, as a person sees before going on.
      const isShown = (now: readonly string[]) => !command.endsWith('&') || difference(shown, now) === undefined
      const { screen, status } = await terminal.type(command, LINE_MS, isShown)
      const told = `${name} $ ${command}\n${screen.join('\n')}\n`
      assert.equal(status, 0, told)
      assert.equal(difference(shown, screen), undefined, told)
    }
  }

  it('ends with a payment seen by the payee, and a fourth witness: as printed, on loopback', async () => {
    await play(() => undefined)
    assert.deepEqual([...terminals.keys()], ['alpha', 'beta', 'gamma', 'delta'])
  })

  it('does the same between network namespaces', async function () {
    const why = whyNoNamespaces()
    if (why !== undefined) {
      process.stdout.write(`      skipped: ${why}\n`)
      this.skip()
    }
    namespaces = makeNamespaces(4)
    const made = namespaces
    await play(index => made.address(index))
    assert.equal(terminals.size, 4)
  })

  it('has a transcript to run, from nothing to a fourth society', async () => {
    const lines = await transcript()
    assert.ok(lines.length >= 30)
    const said = lines.map(({ command }) => command).join('\n')
    for (const step of ['web4 init', 'web4 genesis', 'web4 pay', 'web4 law update --add-witness'])
      assert.ok(said.includes(step), step)
  })
})

describe('comparing a screen with a transcript', () => {
  it('takes … for any text, and a line of it for any lines', () => {
    assert.equal(difference(['a … c', '…', 'e'], ['a b c', 'x', 'y', 'e']), undefined)
    assert.equal(difference(['…'], []), undefined)
    assert.equal(difference([], []), undefined)
  })
  it('sees a missing, another and a superfluous line', () => {
    assert.match(difference(['a', 'b'], ['a']) ?? '', /line 2: "b"/)
    assert.match(difference(['a'], ['b']) ?? '', /line 1: "a"/)
    assert.match(difference(['a', 'c'], ['a', 'b', 'c']) ?? '', /line 2: "c"/)
    assert.match(difference(['a'], ['a', 'b']) ?? '', /shows "b" after/)
    assert.match(difference(['a.c'], ['abc']) ?? '', /line 1/)
  })
})
