import { toString as textOf } from 'uint8arrays/to-string'

/** One case of a vector file: what it is about, and members that the README beside the file describes. */
export interface VectorCase {
  readonly id: string
  readonly comment: string
  readonly tags: readonly string[]
  readonly [member: string]: unknown
}

export interface VectorFile {
  readonly about: string
  readonly cases: readonly VectorCase[]
}

/** Path below test/vectors to the file. */
export type VectorFiles = Readonly<Record<string, VectorFile>>

/** The bytes of a vector file as they are frozen. */
export function vectorText(file: VectorFile): string {
  return `${JSON.stringify(file, undefined, 2)}\n`
}

export function hex(bytes: Uint8Array): string {
  return textOf(bytes, 'base16')
}
