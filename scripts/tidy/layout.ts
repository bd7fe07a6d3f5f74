import { type Finding, roomOf, type Tree } from './tree.ts'

const ROOMS = new Set(['src', 'protocols', 'node', 'sim', 'web', 'test', 'scripts', 'bin'])
const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
/** Folders of test/ that hold what tests use; vectors are data. */
const HELPER_FOLDERS = /^test\/(?:[a-z-]+\/)*(?:support|conformance|vectors|vector-families|properties)\//

/** `helpers`: files in test/ that are no tests, and what for. */
export function findMisplaced(tree: Tree, helpers: Readonly<Record<string, string>>): Finding[] {
  const found: Finding[] = tree.unknown
    .filter(path => ROOMS.has(roomOf(path)))
    .map(file => ({ file, line: 1, text: 'is not part of tsconfig.json, so nothing checks its types' }))
  for (const file of tree.paths) {
    if (!ROOMS.has(roomOf(file)) || file.startsWith('test/vectors/')) continue
    const [, ...parts] = file.split('/')
    const name = (parts.pop() ?? '').replace(/(?:\.(?:test|d))?\.[a-z]+$/, '')
    if (![...parts, name].every(part => KEBAB.test(part)))
      found.push({ file, line: 1, text: 'names of files and folders are kebab-case' })
    if (
      roomOf(file) !== 'test' ||
      HELPER_FOLDERS.test(file) ||
      file.endsWith('.test.ts') ||
      Object.hasOwn(helpers, file)
    )
      continue
    const text =
      'is neither a *.test.ts nor under support, conformance, properties or vectors, nor a helper in scripts/tidy/lists.ts'
    found.push({ file, line: 1, text })
  }
  for (const file of Object.keys(helpers)) {
    if (!tree.paths.includes(file)) found.push({ file, line: 1, text: 'is listed as a test helper, and is not there' })
  }
  return found
}
