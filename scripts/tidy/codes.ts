import {
  type Expression,
  isAsExpression,
  isLiteralLikeNode,
  isObjectLiteralExpression,
  isPropertyAssignment,
  isSatisfiesExpression,
  isVariableDeclaration,
  type Node,
} from 'typescript/unstable/ast'
import { type Finding, lineOf, roomOf, type Source, type Tree, visit } from './tree.ts'

const TABLE = 'src/rejection.ts'
/** Rooms whose code gives refusals. */
const RAISERS = new Set(['src', 'protocols', 'node', 'sim'])

/**
 * Every code of the table is given by some code and demanded by some test. `untested`: codes that no test can get, with
 * the reason.
 */
export function findUntestedCodes(tree: Tree, untested: Readonly<Record<string, string>>): Finding[] {
  const table = tree.sources.find(({ path }) => path === TABLE)
  if (table === undefined) return []
  const raised = literalsOf(tree.sources.filter(({ path }) => RAISERS.has(roomOf(path)) && path !== TABLE))
  const demanded = literalsOf(tree.sources.filter(({ path }) => roomOf(path) === 'test'))
  for (const path of tree.paths.filter(each => /^test\/vectors\/.*\.json$/.test(each)))
    for (const [, code = ''] of tree.read(path).matchAll(/"([A-Z][A-Z0-9_]+)"/g)) demanded.add(code)
  const found: Finding[] = []
  for (const [code, line] of codesOf(table)) {
    const isListed = Object.hasOwn(untested, code)
    if (!raised.has(code)) found.push({ file: TABLE, line, text: `nothing ever gives ${code}` })
    if (!demanded.has(code) && !isListed) found.push({ file: TABLE, line, text: `no test demands ${code}` })
    if (demanded.has(code) && isListed)
      found.push({ file: TABLE, line, text: `${code} is listed as untested, and a test demands it` })
  }
  return found
}

function codesOf(table: Source): Map<string, number> {
  const codes = new Map<string, number>()
  visit(table.ast, node => {
    if (!isVariableDeclaration(node) || node.name.getText() !== 'codes') return undefined
    const value = node.initializer === undefined ? undefined : bare(node.initializer)
    if (value === undefined || !isObjectLiteralExpression(value)) return false
    for (const member of value.properties)
      if (isPropertyAssignment(member)) codes.set(member.name.getText(), lineOf(table, member))
    return false
  })
  return codes
}

/** Without `as const satisfies …`. */
function bare(value: Expression): Node {
  return isSatisfiesExpression(value) || isAsExpression(value) ? bare(value.expression) : value
}

/** Strings that code holds, and names of members, since tables of cases are keyed by code. */
function literalsOf(sources: readonly Source[]): Set<string> {
  const found = new Set<string>()
  for (const { ast } of sources) {
    visit(ast, node => {
      if (isLiteralLikeNode(node)) for (const word of node.text.split(/[^A-Z0-9_]+/)) found.add(word)
      else if (isPropertyAssignment(node)) found.add(node.name.getText())
      return undefined
    })
  }
  return found
}
