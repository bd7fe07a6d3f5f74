import {
  isArrowFunction,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isFunctionExpression,
  isGetAccessorDeclaration,
  isIdentifier,
  isImportDeclaration,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isPropertyDeclaration,
  isSetAccessorDeclaration,
  isTypeAliasDeclaration,
  isTypeNode,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { type Import, importsOf } from './imports.ts'
import { isUse } from './names.ts'
import { type Finding, lineOf, type Source, type Tree, visit } from './tree.ts'

/**
 * Files may import each other in a circle only where no file needs a value of another one of the circle while it is being
 * loaded: then it does not matter which of them is loaded first. (Kinds that carry foreign entries open them through the
 * registry, which lists these kinds; the registry is built at first use.) What functions use when they are called is free.
 */
export function findCycles(tree: Tree): Finding[] {
  const imports = new Map(tree.sources.map(source => [source.path, importsOf(source)]))
  const loads = (path: string) =>
    (imports.get(path) ?? []).flatMap(each => (each.form === 'load' && each.target ? [each.target] : []))
  const circles = circlesOf([...imports.keys()], loads)
  return tree.sources.flatMap(source => {
    const circle = circles.get(source.path)
    if (circle === undefined) return []
    const foreign = (imports.get(source.path) ?? []).filter(
      each => each.form === 'load' && each.target !== undefined && circle.has(each.target),
    )
    return usesWhileLoading(source, foreign)
  })
}

function usesWhileLoading(source: Source, imports: readonly Import[]): Finding[] {
  const origin = new Map(imports.flatMap(each => each.names.map(name => [name, each.target ?? ''] as const)))
  const found: Finding[] = []
  visit(source.ast, node => {
    if (isImportDeclaration(node) || runsLater(node) || isErased(node)) return false
    const target = isIdentifier(node) && isUse(node) ? origin.get(node.text) : undefined
    if (target !== undefined) {
      const text = `${node.getText()} is used while this file is loaded, but comes from ${target}, which imports this file again`
      found.push({ file: source.path, line: lineOf(source, node), text })
    }
    return undefined
  })
  return found
}

function runsLater(node: Node): boolean {
  if (isPropertyDeclaration(node)) return !(node.modifiers ?? []).some(each => each.kind === SyntaxKind.StaticKeyword)
  return (
    isFunctionDeclaration(node) ||
    isFunctionExpression(node) ||
    isArrowFunction(node) ||
    isMethodDeclaration(node) ||
    isConstructorDeclaration(node) ||
    isGetAccessorDeclaration(node) ||
    isSetAccessorDeclaration(node)
  )
}

function isErased(node: Node): boolean {
  // `class A extends B` is one of these by syntax, and needs B at once.
  if (node.kind === SyntaxKind.ExpressionWithTypeArguments) return false
  return isTypeNode(node) || isInterfaceDeclaration(node) || isTypeAliasDeclaration(node)
}

/** Files that can reach themselves, with all files of their circle (Tarjan). */
function circlesOf(
  files: readonly string[],
  next: (file: string) => readonly string[],
): Map<string, ReadonlySet<string>> {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const circles = new Map<string, ReadonlySet<string>>()
  const connect = (file: string): void => {
    index.set(file, index.size)
    low.set(file, index.size - 1)
    stack.push(file)
    for (const to of next(file)) {
      if (!index.has(to)) connect(to)
      if (stack.includes(to)) low.set(file, Math.min(low.get(file) ?? 0, low.get(to) ?? 0))
    }
    if (low.get(file) !== index.get(file)) return
    const members = new Set(stack.splice(stack.indexOf(file)))
    if (members.size > 1) for (const member of members) circles.set(member, members)
  }
  for (const file of files) if (!index.has(file)) connect(file)
  return circles
}
