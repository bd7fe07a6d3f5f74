import { isIdentifier, isImportExpression, isPropertyAccessExpression, type Node } from 'typescript/unstable/ast'
import { isUse } from './names.ts'
import { type Finding, lineOf, roomOf, type Tree, visit } from './tree.ts'

/** The core is given time, chance and effects; whatever takes them by itself cannot be simulated or repeated. */
const CLOCK = 'time comes in as an argument or through the clock port'
const CHANCE = 'chance comes in through the random port'
const EFFECT = 'effects are actions for the driver, or go through a port'
const PLATFORM = 'src runs in node, simulator and browser alike'

const FORBIDDEN: ReadonlyMap<string, string> = new Map([
  ...[
    'Date',
    'performance',
    'setTimeout',
    'setInterval',
    'setImmediate',
    'clearTimeout',
    'clearInterval',
    'clearImmediate',
  ].map(name => [name, CLOCK] as const),
  ...['fetch', 'console', 'XMLHttpRequest', 'WebSocket', 'Worker', 'localStorage'].map(name => [name, EFFECT] as const),
  ...['process', 'Buffer', 'require', '__dirname', '__filename', 'globalThis'].map(name => [name, PLATFORM] as const),
  ['crypto', CHANCE],
  ['Intl', 'what depends on a locale differs between nodes'],
])
const FORBIDDEN_MEMBERS: ReadonlyMap<string, string> = new Map([
  ['Math.random', CHANCE],
  ['AbortSignal.timeout', CLOCK],
])
/** Members of any value. */
const LOCALE = /^(?:localeCompare|toLocale[A-Z]\w*)$/

export function findImpurity(tree: Tree): Finding[] {
  return tree.sources
    .filter(({ path }) => roomOf(path) === 'src')
    .flatMap(source => {
      const found: Finding[] = []
      visit(source.ast, node => {
        const [name, why] = judge(node)
        if (why !== undefined)
          found.push({ file: source.path, line: lineOf(source, node), text: `src is pure: no ${name} (${why})` })
        return undefined
      })
      return found
    })
}

function judge(node: Node): readonly [name: string, why: string | undefined] {
  if (isImportExpression(node)) return ['import()', 'all of the core is there from the start']
  if (isPropertyAccessExpression(node)) {
    const member = node.name.text
    if (LOCALE.test(member)) return [member, 'what depends on a locale differs between nodes']
    const whole = isIdentifier(node.expression) ? `${node.expression.text}.${member}` : ''
    return [whole, FORBIDDEN_MEMBERS.get(whole)]
  }
  if (!isIdentifier(node) || !isUse(node)) return ['', undefined]
  return [node.text, FORBIDDEN.get(node.text)]
}
