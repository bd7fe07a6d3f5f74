import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runCli } from '../../node/cli/program.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { start } from '../support/real-command.ts'

const root = new URL('../../', import.meta.url)
const file = (path: string) => fileURLToPath(new URL(path, root))
const readme = readFileSync(file('README.md'), 'utf8')

/** Commands of the readme as a shell would get them: one line each, comments cut. */
const commands = [...readme.matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block = '']) => block.split('\n'))
  .flatMap(line => [line.replace(/\s+#.*$/, ''), /# or: (.+)$/.exec(line)?.[1] ?? ''])
  .filter(line => line !== '')

/** `web4 atp mint|charge` and the like in the table of commands. */
const named = [...readme.matchAll(/`web4 ([a-z][a-z-]*)(?: ([a-z]+(?:\\?\|[a-z]+)+|new))?/g)].flatMap(
  ([, command = '', sub]) => (sub === undefined ? [[command]] : sub.split(/\\?\|/).map(each => [command, each])),
)

async function help(...command: readonly string[]): Promise<string> {
  const text = { out: '', err: '' }
  const code = await runCli([...command, '--help'], {
    env: {},
    stdout: piece => {
      text.out += piece.toString()
    },
    stderr: piece => {
      text.err += piece
    },
    terminal: process,
    now: Date.now,
    ended: () => Promise.resolve(),
  })
  assert.equal(code, 0, `${command.join(' ')}: ${text.err}`)
  return text.out
}

describe('README.md', function () {
  this.timeout(120_000)

  it('names scripts that exist, and the one that the build server calls', () => {
    const scripts = new Set(
      commands.flatMap(line => [...line.matchAll(/npm (?:run )?(start|test|[a-z]+(?=\s|$))/g)]).map(([, name]) => name),
    )
    scripts.delete('ci')
    assert.deepEqual([...scripts].sort(), ['start', 'test'])
    for (const name of scripts) assert.ok(name !== undefined && Object.hasOwn(packageJson.scripts, name), name)
    assert.match(readFileSync(file('.ci/run'), 'utf8'), /\bnpm ci\b.*\bnpm test\n/s)
  })

  it('has commands that exist, each with a help', async () => {
    assert.ok(named.length >= 20)
    const all = await help()
    const listed = [...all.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name)
    const told = new Set(named.map(([command]) => command))
    told.delete('help')
    assert.deepEqual([...told].sort(), listed.filter(name => name !== 'help').sort())
    const unique = new Map(named.filter(([command]) => command !== 'help').map(words => [words.join(' '), words]))
    for (const words of unique.values())
      assert.match(await help(...words), new RegExp(`^Usage: web4 ${words.join(' ')}\\b`))
  })

  it('uses options that exist', async () => {
    const lines = commands.flatMap(line => /(?:npx )?web4 (.+)$/.exec(line)?.[1] ?? [])
    assert.ok(lines.length >= 3, lines.join('\n'))
    for (const line of lines) {
      const [command = ''] = line.split(' ')
      const text = await help(command)
      for (const [option] of line.matchAll(/--[a-z-]+/g)) assert.ok(text.includes(option), `${command} ${option}`)
    }
    const demo = await help('demo')
    for (const option of ['--json', '--seed', '--keep'])
      assert.ok(readme.includes(option) && demo.includes(option), option)
    assert.ok((await help('verify')).includes('--portable'))
  })

  it('starts the demo by npm start, and web4 by the launcher', async () => {
    const [program, ...args] = packageJson.scripts.start.split(' ')
    assert.equal(program, 'node')
    const demo = await start([...args, '--help']).ended
    assert.equal(demo.code, 0, demo.stderr)
    assert.match(demo.stdout, /^Usage: web4 demo/)
    const launched = await start([file(packageJson.bin.web4), '--version']).ended
    assert.deepEqual([launched.code, launched.stdout], [0, `${packageJson.version}\n`])
  })

  it('shows what the demo prints', () => {
    const report = readFileSync(file('sim/real/report.ts'), 'utf8') + readFileSync(file('sim/real/demo.ts'), 'utf8')
    const shown = /^```\n(✓.*?)^```/ms.exec(readme)?.[1] ?? ''
    const phrases = shown.match(/[a-z]+(?: [a-z,]+){3,}/g) ?? []
    assert.ok(phrases.length >= 4, shown)
    for (const phrase of phrases) assert.ok(report.includes(phrase), phrase)
  })

  it('points at files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)]
      .map(([, path = '']) => path)
      .filter(path => !/^https?:/.test(path))
    assert.ok(links.length >= 5)
    for (const path of links) assert.ok(existsSync(file(path)), path)
  })
})
