import { posix } from 'node:path'
import type { Expression, Identifier, ImportClause, Node } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportExpression,
  isImportTypeNode,
  isLiteralTypeNode,
  isNamedImports,
  isNewExpression,
  isStringLiteral,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { lineOf, type Source, visit } from './tree.ts'

/**
 * `load`: when the file is loaded, so is the target. `type`: erased before anything runs. `late`: `import()` and
 * `new URL(…, import.meta.url)`, which load it later.
 */
export type ImportForm = 'load' | 'type' | 'late'

export interface Import {
  readonly form: ImportForm
  readonly line: number
  /** As written. */
  readonly specifier: string
  /** Path from the root for a file of this project, undefined for a package. */
  readonly target: string | undefined
  /** Local names of imported values. */
  readonly names: readonly string[]
}

export function importsOf(source: Source): readonly Import[] {
  const found: Import[] = []
  const add = (form: ImportForm, specifier: Expression | Node | undefined, names: readonly string[] = []) => {
    if (specifier === undefined || !isStringLiteral(specifier)) return
    const { text } = specifier
    const target = text.startsWith('.') ? posix.join(posix.dirname(source.path), text) : undefined
    found.push({ form, line: lineOf(source, specifier), specifier: text, target, names })
  }
  visit(source.ast, node => {
    if (isImportDeclaration(node)) {
      const clause = node.importClause
      // `import { type A } from` is stripped to `import {} from`: it still loads the file.
      const isErased = clause?.phaseModifier === SyntaxKind.TypeKeyword
      add(isErased ? 'type' : 'load', node.moduleSpecifier, clause === undefined ? [] : valuesOf(clause))
    } else if (isExportDeclaration(node)) add(node.isTypeOnly ? 'type' : 'load', node.moduleSpecifier)
    else if (isImportTypeNode(node)) add('type', isLiteralTypeNode(node.argument) ? node.argument.literal : undefined)
    else if (isCallExpression(node) && isImportExpression(node.expression)) add('late', node.arguments[0])
    else if (isNewExpression(node) && isModuleUrl(node.expression, node.arguments ?? []))
      add('late', node.arguments?.[0])
    return undefined
  })
  return found
}

/** `new URL('./file.ts', import.meta.url)`: how workers and child processes are started. */
function isModuleUrl(made: Expression, [path, base]: readonly Expression[]): boolean {
  const isCode = path !== undefined && isStringLiteral(path) && /\.(?:ts|js)$/.test(path.text)
  return isCode && made.getText() === 'URL' && base?.getText() === 'import.meta.url'
}

function valuesOf(clause: ImportClause): readonly string[] {
  const bindings = clause.namedBindings
  const names: Identifier[] = clause.name === undefined ? [] : [clause.name]
  if (bindings !== undefined) {
    if (isNamedImports(bindings))
      names.push(...bindings.elements.filter(each => !each.isTypeOnly).map(each => each.name))
    else names.push(bindings.name)
  }
  return names.map(name => name.text)
}
