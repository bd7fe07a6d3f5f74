import { concat } from 'uint8arrays/concat'
import { fromBase64, toBase64 } from '../../encoding.ts'
import type { Sha256 } from '../../ports.ts'
import { cosignatureMessage } from '../cosignature.ts'
import { sameHash } from '../merkle.ts'
import {
  keyId,
  logSignatureMessage,
  type NoteSignature,
  TYPE_COSIGNATURE,
  TYPE_ED25519,
  type VerifySync,
} from '../note.ts'

/**
 * A C2SP verifier key ("vkey"), the form in which logs and public witnesses name themselves:
 *
 *     <name>+<key id, 8 hex digits>+<base64 of type and key>
 *
 * The two Ed25519 types only: 0x01 signs the note text, 0x04 makes cosignatures.
 */
export interface VerifierKey {
  readonly name: string
  readonly type: typeof TYPE_ED25519 | typeof TYPE_COSIGNATURE
  /** 32 bytes. */
  readonly key: Uint8Array
  /** 4 bytes. */
  readonly id: Uint8Array
}

const VKEY = /^([^\s+\p{Cc}]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u
const KEY_BYTES = 32
const TIME_BYTES = 8
const SIGNATURE_BYTES = 64

export function verifierKey(name: string, type: VerifierKey['type'], key: Uint8Array, sha256: Sha256): VerifierKey {
  return { name, type, key, id: keyId(name, type, key, sha256) }
}

export function formatVerifierKey({ id, key, name, type }: VerifierKey): string {
  const hex = [...id].map(byte => byte.toString(16).padStart(2, '0')).join('')
  return `${name}+${hex}+${toBase64(concat([Uint8Array.of(type), key]))}`
}

/** The key that this text is the one spelling of; undefined for other types, other lengths and an id that is not the key's. */
export function parseVerifierKey(text: string, sha256: Sha256): VerifierKey | undefined {
  const [, name = '', , base64 = ''] = VKEY.exec(text) ?? []
  const bytes = fromBase64(base64)
  const type = bytes?.[0]
  if (bytes?.length !== 1 + KEY_BYTES || !name.isWellFormed()) return undefined
  if (type !== TYPE_ED25519 && type !== TYPE_COSIGNATURE) return undefined
  const key = verifierKey(name, type, bytes.slice(1), sha256)
  return formatVerifierKey(key) === text ? key : undefined
}

/** Whether a line says that it is of this key. */
export function isOf(line: NoteSignature, key: VerifierKey): boolean {
  return line.name === key.name && sameHash(line.keyId, key.id)
}

/** Seconds of a cosignature that holds, 0 for a plain signature that holds; undefined when it does not. */
export function signedAt(line: NoteSignature, key: VerifierKey, text: string, verify: VerifySync): number | undefined {
  const { signature } = line
  if (key.type === TYPE_ED25519) {
    if (signature.length !== SIGNATURE_BYTES) return undefined
    return verify(key.key, signature, logSignatureMessage(text)) ? 0 : undefined
  }
  if (signature.length !== TIME_BYTES + SIGNATURE_BYTES) return undefined
  const time = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0))
  if (!Number.isSafeInteger(time)) return undefined
  return verify(key.key, signature.slice(TIME_BYTES), cosignatureMessage(text, time)) ? time : undefined
}
