import {
  isArrowFunction,
  isCallExpression,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isMethodDeclaration,
  isPropertyAssignment,
  isSetAccessorDeclaration,
  isVariableDeclaration,
  type Node,
} from 'typescript/unstable/ast'
import { type Finding, lineOf, type Source, type Tree, visit } from './tree.ts'

const FILE_LINES_MAX = 300
const FUNCTION_LINES_MAX = 70
/** A function that calls these is a list of tests, not a piece of work. */
const REGISTERS = /^(?:describe|context|it|specify)$/

/** `reasons`: why these files are longer. */
export function findLong(tree: Tree, reasons: Readonly<Record<string, string>>): Finding[] {
  const found: Finding[] = []
  for (const source of tree.sources) {
    const lines = source.ast.text.split('\n').length - 1
    if (lines > FILE_LINES_MAX && !Object.hasOwn(reasons, source.path)) {
      const text = `${lines} lines; above ${FILE_LINES_MAX} a file needs a reason in scripts/tidy/lists.ts`
      found.push({ file: source.path, line: 1, text })
    }
    found.push(...longFunctions(source))
  }
  for (const path of Object.keys(reasons)) {
    const source = tree.sources.find(each => each.path === path)
    if (source !== undefined && source.ast.text.split('\n').length - 1 > FILE_LINES_MAX) continue
    found.push({ file: path, line: 1, text: 'is listed as a long file, and is none' })
  }
  return found
}

/** Counts what has to be read at once: named functions and methods inside are counted by themselves. */
function longFunctions(source: Source): Finding[] {
  const found: Finding[] = []
  visit(source.ast, node => {
    if (!isWork(node) || isSuite(node)) return undefined
    const lines = heightOf(source, node) - innerLines(source, node)
    if (lines > FUNCTION_LINES_MAX) {
      const text = `a function of ${lines} lines; ${FUNCTION_LINES_MAX} can be read at once`
      found.push({ file: source.path, line: lineOf(source, node), text })
    }
    return undefined
  })
  return found
}

function innerLines(source: Source, outer: Node): number {
  let lines = 0
  visit(outer, node => {
    if (node === outer || !isNamedWork(node)) return undefined
    lines += heightOf(source, node)
    return false
  })
  return lines
}

function heightOf(source: Source, node: Node): number {
  const at = (position: number) => source.ast.getLineAndCharacterOfPosition(position).line
  return at(node.getEnd()) - at(node.getStart(source.ast)) + 1
}

/** Functions that have a name to be called by, as a member or a constant too. */
function isNamedWork(node: Node): boolean {
  if (isArrowFunction(node) || isFunctionExpression(node))
    return isPropertyAssignment(node.parent) || isVariableDeclaration(node.parent)
  return (
    isFunctionDeclaration(node) ||
    isMethodDeclaration(node) ||
    isConstructorDeclaration(node) ||
    isGetAccessorDeclaration(node) ||
    isSetAccessorDeclaration(node)
  )
}

function isWork(node: Node): boolean {
  return isNamedWork(node) || isFunctionExpression(node) || isArrowFunction(node)
}

/** Registers tests, which are counted by themselves. */
function isSuite(node: Node): boolean {
  let registers = false
  visit(node, inner => {
    registers ||= isCallExpression(inner) && REGISTERS.test(inner.expression.getText())
    return registers ? false : undefined
  })
  return registers
}
