import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Lists } from '../../scripts/tidy/lists.ts'
import { tidy } from '../../scripts/tidy/tidy.ts'

const NONE: Lists = { longFiles: {}, testHelpers: {}, untestedCodes: {} }
const CONFIG = JSON.stringify({
  compilerOptions: { noLib: true, module: 'nodenext', allowImportingTsExtensions: true, noEmit: true, types: [] },
  include: ['src', 'protocols', 'node', 'sim', 'test', 'scripts'],
})
/** Words that the script would find in this very file if they stood here. */
const SKIP = 'skip'
const UNFINISHED = 'TO' + 'DO'
const SUPPRESSION = '@ts-' + 'ignore'

describe('tidy', () => {
  let root: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'web4-tidy-'))
  })
  afterEach(() => rm(root, { recursive: true }))

  async function findings(files: Readonly<Record<string, string>>, lists: Lists = NONE): Promise<string[]> {
    for (const [path, text] of Object.entries({ 'tsconfig.json': CONFIG, ...files })) {
      await mkdir(join(root, dirname(path)), { recursive: true })
      await writeFile(join(root, path), text)
    }
    return tidy(root, lists).map(({ file, line, text }) => `${file}:${line} ${text}`)
  }

  /** The rule finds exactly this in the bad files, and nothing in the good ones. */
  function rule(
    name: string,
    bad: Readonly<Record<string, string>>,
    expected: readonly RegExp[],
    good: Readonly<Record<string, string>>,
    lists: Lists = NONE,
  ): void {
    it(`finds ${name}`, async () => {
      const found = await findings(bad, lists)
      assert.equal(found.length, expected.length, found.join('\n'))
      for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? '', pattern)
    })
    it(`lets pass what is no case of: ${name}`, async () => assert.deepEqual(await findings(good, lists), []))
  }

  const leaf = { 'src/a.ts': 'export const a = 1\n', 'protocols/x/schema.ts': 'export const x = 1\n' }

  rule(
    'imports against the arrows',
    {
      ...leaf,
      'protocols/x/x.ts': "import { n } from '../../node/n.ts'\n",
      'node/n.ts': "import { s } from '../sim/s.ts'\nexport const n = () => s\n",
      'node/cli/commands/demo.ts': "import { s } from '../../../sim/s.ts'\nexport const d = s\n",
      'sim/s.ts':
        "import type { N } from '../node/n.ts'\nimport { x } from '../protocols/x/x.ts'\nexport const s = (): N => x\n",
      'src/b.ts': "export type { X } from '../protocols/x/schema.ts'\n",
      'src/c.ts': "export const worker = new URL('../node/n.ts', import.meta.url)\n",
      'src/d.ts': "import '../test/t.test.ts'\n",
    },
    [
      /^node\/cli\/commands\/demo\.ts:1 node may not import sim\/s\.ts: /,
      /^node\/n\.ts:1 node may not import sim\/s\.ts: /,
      /^protocols\/x\/x\.ts:1 protocols may not import node\/n\.ts: /,
      /^sim\/s\.ts:1 sim may not import node\/n\.ts, not even for its types: /,
      /^sim\/s\.ts:2 sim may not import protocols\/x\/x\.ts: /,
      /^src\/b\.ts:1 src may not import protocols\/x\/schema\.ts, not even for its types: /,
      /^src\/c\.ts:1 src may not import node\/n\.ts, not even later: /,
      /^src\/d\.ts:1 src may not import test\/t\.test\.ts: /,
    ],
    {
      ...leaf,
      'node/service.ts': "import { a } from '../src/a.ts'\nexport type Service = typeof a\n",
      'node/api/client.ts': "export { x } from '../../protocols/x/schema.ts'\n",
      'node/crypto/sodium.ts': 'export const sodium = 1\n',
      'node/cli/commands/demo.ts': "export const demo = () => import('../../../sim/real/demo.ts')\n",
      'sim/real/demo.ts':
        "import type { Service } from '../../node/service.ts'\nimport { x } from '../../node/api/client.ts'\n" +
        "import { sodium } from '../../node/crypto/sodium.ts'\nimport '../../protocols/x/schema.ts'\nimport '../../src/a.ts'\n" +
        'export const demo: Service = x + sodium\n',
      'scripts/s.ts': "import '../node/service.ts'\nimport '../sim/real/demo.ts'\n",
      'src/text.ts': "// import { n } from '../node/n.ts'\nexport const text = \"import '../node/n.ts'\"\n",
    },
  )

  rule(
    'packages that the core and the pure halves of protocols may not have',
    {
      'src/a.ts':
        "import { readFile } from 'node:fs/promises'\nimport type { Level } from 'level'\nexport type A = Level\nexport const a = readFile\n",
      'protocols/x/constants.ts': "import { tcp } from '@libp2p/tcp'\nexport const x = tcp\n",
    },
    [
      /^protocols\/x\/constants\.ts:1 .* may not load @libp2p\/tcp$/,
      /^src\/a\.ts:1 src is pure: node:fs\/promises/,
      /^src\/a\.ts:2 src takes nothing from level;/,
    ],
    {
      'src/a.ts':
        "import { Type } from 'typebox'\nimport { Compile } from 'typebox/compile'\nimport { concat } from 'uint8arrays/concat'\nexport { Compile, concat, Type }\n",
      'protocols/x/schema.ts':
        "import type { Stream } from '@libp2p/interface'\nimport { Type } from 'typebox'\nexport const x: Stream = Type\n",
      'protocols/x/x.ts':
        "import { tcp } from '@libp2p/tcp'\nimport { once } from 'node:events'\nexport { once, tcp }\n",
    },
  )

  rule(
    'clocks, chance, effects and platforms in the core',
    {
      'src/a.ts': [
        'export const now = () => Date.now()',
        'export const dice = () => Math.random()',
        'export const wait = (f: () => void) => setTimeout(f, 1)',
        'export const say = () => console.log(process.env)',
        "export const load = () => fetch('x')",
        "export const sort = (a: string) => a.localeCompare('b')",
        'export const signal = () => AbortSignal.timeout(1)',
        "export const late = () => import('./b.ts')",
        '',
      ].join('\n'),
      'src/b.ts': 'export const b = 1\n',
    },
    [
      /:1 src is pure: no Date /,
      /:2 src is pure: no Math\.random /,
      /:3 src is pure: no setTimeout /,
      /:4 src is pure: no (?:console|process) /,
      /:4 src is pure: no (?:console|process) /,
      /:5 src is pure: no fetch /,
      /:6 src is pure: no localeCompare /,
      /:7 src is pure: no AbortSignal\.timeout /,
      /:8 src is pure: no import\(\) /,
    ],
    {
      'src/a.ts': [
        '/** Date and Math.random() come in as arguments, console.log does not. */',
        "export const text = 'Date.now()' + `setTimeout`",
        'export interface Ports { process(): void; readonly Date: number }',
        'export const run = (ports: Ports) => { ports.process(); return { fetch: ports.Date, max: Math.max(1, 2) } }',
        'export const pattern = /process.exit/',
        '',
      ].join('\n'),
      'node/a.ts': 'export const now = () => Date.now()\n',
    },
  )

  rule(
    'circles in which a file needs another one while it is loaded',
    {
      'src/a.ts': "import { b } from './b.ts'\nexport const a = b + 1\n",
      'src/b.ts': "import { c } from './c.ts'\nexport const b = 1\nexport const f = () => c\n",
      'src/c.ts': "import { a } from './a.ts'\nexport class C { static readonly a = a }\nexport const c = 2\n",
    },
    [/^src\/a\.ts:2 b is used while this file is loaded, but comes from src\/b\.ts/, /^src\/c\.ts:2 a is used while/],
    {
      'src/a.ts':
        "import { b } from './b.ts'\nimport { free } from './free.ts'\nexport const size = free\nexport const a = () => b() + 1\n",
      'src/b.ts':
        "import { a } from './a.ts'\nexport type A = typeof a\nexport class B { readonly a = a }\nexport function b() { return a() }\n",
      'src/c.ts': "import type { D } from './d.ts'\nexport const c: D = 1\n",
      'src/d.ts': "import { c } from './c.ts'\nexport type D = number\nexport const d = c\n",
      'src/free.ts': 'export const free = 1\n',
    },
  )

  const lines = (count: number, text: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => `${text(index)}\n`).join('')
  const statements = (count: number) => lines(count, index => `  void ${index}`)

  rule(
    'files and functions that are too long, and reasons that nobody needs',
    {
      'src/long.ts': lines(301, index => `export const v${index} = 1`),
      'src/short.ts': 'export const s = 1\n',
      'src/work.ts': `export function work() {\n${statements(69)}}\nexport const arrow = () => {\n${statements(70)}}\n`,
    },
    [
      /^src\/long\.ts:1 301 lines; /,
      /^src\/short\.ts:1 is listed as a long file/,
      /^src\/work\.ts:1 a function of 71 lines/,
      /^src\/work\.ts:72 a function of 72 lines/,
    ],
    {
      'src/short.ts': lines(301, index => `export const v${index} = 1`),
      'src/work.ts': `export function work() {\n${statements(68)}}\nexport const make = () => {\n  function inner() {\n${statements(60)}  }\n  return {\n    member() {\n${statements(60)}    },\n    inner,\n  }\n}\n`,
      'test/a.test.ts': `describe('a', () => {\n${lines(90, index => `  it('${index}', () => {})`)}})\n`,
    },
    { ...NONE, longFiles: { 'src/short.ts': 'a table' } },
  )

  rule(
    'unfinished work, silenced checkers and casts to any',
    {
      'src/a.ts': `// ${UNFINISHED} later\n// ${SUPPRESSION}\n// biome-${'ignore'} lint/suspicious/noExplicitAny:\nexport const a = (1 as unknown as any)\n`,
      'docs/a.md': `This is ${['not', 'implemented'].join(' ')}.\n`,
    },
    [
      /^docs\/a\.md:1 /,
      /^src\/a\.ts:1 .* unfinished/,
      /^src\/a\.ts:2 silences/,
      /^src\/a\.ts:3 silences/,
      /^src\/a\.ts:4 a cast to any/,
    ],
    {
      'src/a.ts': `// biome-${'ignore'} lint/x: the table is generated\nexport const a = 'any' as unknown as string\nexport const anyTodo = 'a to-do list as any other'\n`,
      'docs/a.md': 'Done.\n',
    },
  )

  rule(
    'tests that do not run',
    {
      'test/a.test.ts': [
        `it.${SKIP}('a', () => {})`,
        "describe.only('b', () => {})",
        "xit('c', () => {})",
        "it('d')",
        `it('e', function () { this.${SKIP}() })`,
        '',
      ].join('\n'),
    },
    [/:1 \.skip /, /:2 \.only /, /:3 xit /, /:4 a test without a body/, /:5 \.skip /],
    {
      'test/a.test.ts': [
        "it('a', () => {})",
        `it('b', function () { if (!exists('/dev/full')) return this.${SKIP}() })`,
        `list.${SKIP}(1)`,
        '',
      ].join('\n'),
    },
  )

  rule(
    'files that are misnamed or misplaced',
    {
      'src/camelCase.ts': 'export const a = 1\n',
      'node/Big/a.ts': 'export const a = 1\n',
      'test/helper.ts': 'export const a = 1\n',
      'web/a.ts': 'export const a = 1\n',
    },
    [
      /^node\/Big\/a\.ts:1 .* kebab-case/,
      /^src\/camelCase\.ts:1 .* kebab-case/,
      /^test\/gone\.ts:1 is listed as a test helper/,
      /^test\/helper\.ts:1 is neither/,
      /^web\/a\.ts:1 is not part of tsconfig/,
    ],
    {
      'src/kebab-case.ts': 'export const a = 1\n',
      'src/types.d.ts': 'export type A = 1\n',
      'test/a/a-b.test.ts': '',
      'test/a/support/b.ts': '',
      'test/conformance/c.ts': '',
      'test/gone.ts': '',
      'test/vectors/Any_Name.json': '{}',
    },
    { ...NONE, testHelpers: { 'test/gone.ts': 'something' } },
  )

  const table =
    "export const codes = {\n  A_B: { doc: 'a' },\n  C_D: { doc: 'c' },\n  E_F: { doc: 'e' },\n} as const satisfies object\n"
  rule(
    'codes that nothing gives and no test demands',
    {
      'src/rejection.ts': table,
      'src/a.ts': "export const a = ['A_B', 'E_F']\n// 'C_D'\n",
      'test/a.test.ts': "// C_D\nexport const a = ['E_F']\n",
    },
    [
      /^src\/rejection\.ts:2 no test demands A_B$/,
      /:3 nothing ever gives C_D$/,
      /:3 no test demands C_D$/,
      /:4 E_F is listed as untested/,
    ],
    {
      'src/rejection.ts': table,
      'src/a.ts': "export const a = ['A_B', 'C_D', 'E_F']\n",
      'test/a.test.ts': 'export const a = { A_B: 1 }\n',
      'test/vectors/a.json': '{"code":"C_D"}',
    },
    { ...NONE, untestedCodes: { E_F: 'cannot be made to happen' } },
  )
})
