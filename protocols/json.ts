import { type Static, type TSchema, Type } from 'typebox'
import { canonicalBytes, decodeCanonical, type Json } from '../src/canonical.ts'
import { checker } from '../src/ingest/schema-check.ts'
import { strictObject } from '../src/records/fields.ts'
import { type Code, codes, type Rejection, rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'

/** Canonical JSON frames: what does not re-encode to the very bytes received, or does not fit the schema, is PEER_GARBAGE. */

export interface JsonFrame<T> {
  /** Of a value of type T, whose arrays may be readonly. */
  encode(value: object): Uint8Array
  decode(bytes: Uint8Array): Result<T>
}

export function jsonFrame<S extends TSchema>(schema: S): JsonFrame<Static<S>> {
  const check = checker(schema)
  return {
    encode: value => canonicalBytes(value as Json),
    decode(bytes) {
      const decoded = decodeCanonical(bytes)
      if (!decoded.ok) return fail(garbage(decoded.error))
      const bad = check(decoded.value)
      return bad === undefined ? ok(decoded.value as Static<S>) : fail(garbage(bad))
    },
  }
}

export function garbage(cause: Rejection): Rejection {
  return rejection('PEER_GARBAGE', cause.detail === undefined ? cause.code : `${cause.code} ${cause.detail}`)
}

/** An answer of one frame, `{"ok":true,"reply":…}`. */
export function replyFrame<S extends TSchema>(schema: S) {
  const frame = jsonFrame(strictObject({ ok: Type.Literal(true), reply: schema }))
  return {
    encodeReply: (reply: object): readonly Uint8Array[] => [frame.encode({ ok: true, reply })],
    decodeReply(frames: readonly Uint8Array[]): Result<Static<S>> {
      const [head] = frames
      if (head === undefined || frames.length !== 1) return fail(rejection('PEER_GARBAGE', 'not one frame'))
      const decoded = frame.decode(head)
      return decoded.ok ? ok((decoded.value as unknown as { reply: Static<S> }).reply) : decoded
    },
  }
}

export function isCode(text: string): text is Code {
  return Object.hasOwn(codes, text)
}

const refusal = jsonFrame(strictObject({ code: Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' }) }))

/** `{"code":"…"}`: all that a remote ever learns of a failure here. */
export function encodeRefusal(code: Code): Uint8Array {
  return refusal.encode({ code })
}

/** The refusal that a frame holds; undefined when it is none. A code unknown here is PEER_GARBAGE. */
export function decodeRefusal(frame: Uint8Array): Rejection | undefined {
  const decoded = refusal.decode(frame)
  if (!decoded.ok) return undefined
  const { code } = decoded.value
  return isCode(code) ? rejection(code) : rejection('PEER_GARBAGE', `code ${code}`)
}
