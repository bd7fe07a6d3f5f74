import type { Rejection } from './rejection.ts'

/** Bad input is a value, never an exception. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Rejection }

export function ok<T>(value: T): Result<T> {
  return { ok: true, value }
}

export function fail(error: Rejection): { readonly ok: false; readonly error: Rejection } {
  return { ok: false, error }
}
