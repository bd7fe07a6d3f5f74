import { hash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fromBase64url } from '../../src/encoding.ts'
import { CodedError } from '../../src/rejection.ts'
import type { HashText } from '../../src/units.ts'

export const EVIDENCE_HELP = 'hash of a document that is kept elsewhere, or @FILE to hash it here'

/** A hash as text, or `@file`: the document itself never goes into a log. */
export async function evidenceOf(text: string): Promise<HashText> {
  if (text.startsWith('@')) {
    const document = await readFile(text.slice(1)).catch(cause => {
      throw new CodedError('BAD_REQUEST', `cannot read ${text.slice(1)}`, { cause })
    })
    return hash('sha256', document, 'base64url')
  }
  if (fromBase64url(text, 32) === undefined) {
    throw new CodedError('BAD_REQUEST', 'evidence is the SHA-256 of a document as base64url, or @FILE')
  }
  return text
}
