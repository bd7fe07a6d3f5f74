import { findUntestedCodes } from './codes.ts'
import { findCycles } from './cycles.ts'
import { findMisplaced } from './layout.ts'
import type { Lists } from './lists.ts'
import { findMarkers } from './markers.ts'
import { findImpurity } from './purity.ts'
import { findWrongImports } from './rooms.ts'
import { findLong } from './size.ts'
import { type Finding, readTree } from './tree.ts'

/** Everything that is wrong in the project at `root`, by file and line. */
export function tidy(root: string, lists: Lists): Finding[] {
  const tree = readTree(root)
  const found = [
    ...findWrongImports(tree),
    ...findImpurity(tree),
    ...findCycles(tree),
    ...findLong(tree, lists.longFiles),
    ...findMarkers(tree),
    ...findMisplaced(tree, lists.testHelpers),
    ...findUntestedCodes(tree, lists.untestedCodes),
  ]
  return found.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1))
}
