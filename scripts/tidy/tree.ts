import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { Node, SourceFile } from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'

/** One thing that is wrong. Line 1 when it is about a whole file. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly text: string
}

/** A TypeScript file with its syntax tree. `path` is relative to the root and has forward slashes. */
export interface Source {
  readonly path: string
  readonly ast: SourceFile
}

export interface Tree {
  /** Every file of the project, sorted; what npm, compilers and test runs leave behind is not part of it. */
  readonly paths: readonly string[]
  readonly sources: readonly Source[]
  /** TypeScript files that tsconfig.json leaves out. */
  readonly unknown: readonly string[]
  read(path: string): string
}

const LEFT_OUT = new Set(['node_modules', 'dist', 'coverage'])

/** Reads a project that has a tsconfig.json. The compiler's parser is used, so comments and strings are never taken for code. */
export function readTree(root: string): Tree {
  const paths = list(root, '').sort()
  const api = new API({ cwd: root })
  try {
    using snapshot = api.updateSnapshot({ openProjects: [join(root, 'tsconfig.json')] })
    const [project] = snapshot.getProjects()
    if (project === undefined) throw new Error(`no project at ${root}/tsconfig.json`)
    const sources: Source[] = []
    const unknown: string[] = []
    for (const path of paths.filter(path => path.endsWith('.ts'))) {
      const ast = project.program.getSourceFile(join(root, path))
      if (ast === undefined) unknown.push(path)
      else sources.push({ path, ast })
    }
    return { paths, sources, unknown, read: path => readFileSync(join(root, path), 'utf8') }
  } finally {
    api.close()
  }
}

function list(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(item => {
    const path = posix.join(folder, item.name)
    if (item.isFile()) return [path]
    const hidden = item.name.startsWith('.') && item.name !== '.ci'
    return item.isDirectory() && !hidden && !LEFT_OUT.has(item.name) ? list(root, path) : []
  })
}

/** Every node, parents first. `enter` false: what is below is left out. */
export function visit(node: Node, enter: (node: Node) => boolean | undefined): void {
  if (enter(node) === false) return
  node.forEachChild(child => visit(child, enter))
}

export function lineOf(source: Source, node: Node): number {
  return source.ast.getLineAndCharacterOfPosition(node.getStart(source.ast)).line + 1
}

export function roomOf(path: string): string {
  return path.split('/')[0] ?? ''
}
