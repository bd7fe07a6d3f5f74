import {
  isAsExpression,
  isCallExpression,
  isIdentifier,
  isIfStatement,
  isPropertyAccessExpression,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { type Finding, lineOf, roomOf, type Tree, visit } from './tree.ts'

/** Written so that this file does not find itself. */
const UNFINISHED = new RegExp(
  ['TO[D]O', 'FIX[M]E', 'XX[X]', 'HA[C]K', 'TB[D]', 'WI[P]'].map(word => `\\b${word}\\b`).join('|') +
    '|\\b(?:not(?: yet)? imp[l]emented|un[i]mplemented|coming so[o]n|lorem ips[u]m)\\b',
)
const SUPPRESSED = /@ts-(?:no[c]heck|igno[r]e)|@ts-expect-e[r]ror\s*(?:\*\/)?\s*$|biome-igno[r]e(?!.*?:\s*\w{3,})/
const TEXT = /\.(?:ts|js|md|sh|ya?ml)$|^\.ci\//
const SUITE = /^(?:describe|context|suite|it|specify|test)$/

/** Words that mark unfinished work, and comments that silence a checker without saying why. */
export function findMarkers(tree: Tree): Finding[] {
  const found: Finding[] = []
  for (const file of tree.paths.filter(path => TEXT.test(path))) {
    for (const [index, line] of tree.read(file).split('\n').entries()) {
      const word = UNFINISHED.exec(line)?.[0]
      if (word !== undefined)
        found.push({
          file,
          line: index + 1,
          text: `"${word}" marks unfinished work; finish it, or say what is true now`,
        })
      if (file.endsWith('.ts') && SUPPRESSED.test(line))
        found.push({ file, line: index + 1, text: 'silences a checker without a reason' })
    }
  }
  return [...found, ...findCasts(tree), ...findSkipped(tree)]
}

function findCasts(tree: Tree): Finding[] {
  return each(tree, node =>
    isAsExpression(node) && node.type.kind === SyntaxKind.AnyKeyword
      ? 'a cast to any hides what the value is'
      : undefined,
  )
}

/** Tests that do not run, or keep others from running. */
function findSkipped(tree: Tree): Finding[] {
  return each({ ...tree, sources: tree.sources.filter(({ path }) => roomOf(path) === 'test') }, node => {
    if (isPropertyAccessExpression(node) && /^(?:skip|only)$/.test(node.name.text)) {
      const of = node.expression
      const isTest = isIdentifier(of) ? SUITE.test(of.text) : of.kind === SyntaxKind.ThisKeyword && !isConditional(node)
      return isTest ? `.${node.name.text} keeps tests from running` : undefined
    }
    if (!isCallExpression(node) || !isIdentifier(node.expression)) return undefined
    const name = node.expression.text
    if (/^x(?:describe|context|it|specify)$/.test(name)) return `${name} is a test that does not run`
    return /^(?:it|specify)$/.test(name) && node.arguments.length === 1 ? 'a test without a body' : undefined
  })
}

/** `if (…) this.skip()`: where something that the machine lacks is what is tested. */
function isConditional(node: Node): boolean {
  for (let at = node; at.parent !== undefined; at = at.parent) if (isIfStatement(at)) return true
  return false
}

function each(tree: Tree, judge: (node: Node) => string | undefined): Finding[] {
  return tree.sources.flatMap(source => {
    const found: Finding[] = []
    visit(source.ast, node => {
      const text = judge(node)
      if (text !== undefined) found.push({ file: source.path, line: lineOf(source, node), text })
      return undefined
    })
    return found
  })
}
