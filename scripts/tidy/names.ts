import {
  type Identifier,
  isBindingElement,
  isEnumMember,
  isExportSpecifier,
  isImportSpecifier,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isPropertyDeclaration,
  isPropertySignatureDeclaration,
  isQualifiedName,
  type Node,
} from 'typescript/unstable/ast'

/** Whether this identifier means a variable or type, and is not just the name of a member, or of an import. */
export function isUse(node: Identifier): boolean {
  const { parent } = node
  if (isPropertyAccessExpression(parent)) return parent.name !== node
  if (isQualifiedName(parent)) return parent.right !== node
  if (isBindingElement(parent)) return parent.propertyName !== node
  if (isImportSpecifier(parent) || isExportSpecifier(parent)) return false
  return !(isMember(parent) && parent.name === node)
}

function isMember(node: Node): node is Node & { readonly name: Node } {
  return (
    isPropertyAssignment(node) ||
    isPropertyDeclaration(node) ||
    isPropertySignatureDeclaration(node) ||
    isMethodDeclaration(node) ||
    isMethodSignatureDeclaration(node) ||
    isEnumMember(node)
  )
}
