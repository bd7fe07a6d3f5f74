import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../vectors/', import.meta.url)
const read = new Set<string>()

/** What every case has; the rest is described in the README beside its file. */
export interface Vector {
  readonly id: string
  readonly comment: string
  readonly tags: readonly string[]
  readonly code?: string
}

/** Cases of one file; an empty list, an id twice or a case without a comment is an error. */
export function loadVectors<T extends Vector>(path: string): readonly T[] {
  const { about, cases } = JSON.parse(readFileSync(new URL(path, folder), 'utf8')) as {
    about: string
    cases: readonly T[]
  }
  assert.ok(about.length > 0 && cases.length > 0, `${path} is empty`)
  assert.equal(new Set(cases.map(({ id }) => id)).size, cases.length, `${path}: an id twice`)
  for (const { id, comment, tags } of cases) assert.ok(id !== '' && comment !== '' && tags.length > 0, `${path}: ${id}`)
  read.add(path)
  return cases
}

/** All files below test/vectors, with forward slashes. */
export function vectorPaths(): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(path => path.replaceAll('\\', '/'))
  return paths.filter(path => /\.[a-z]+$/.test(path)).sort()
}

export function unreadVectors(): string[] {
  return vectorPaths().filter(path => path.endsWith('.json') && !read.has(path))
}
