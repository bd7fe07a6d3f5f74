import type { EpochMs, KeyText } from '../units.ts'

/** A process that was not heard for so long has ended, whatever its connection says: three questions at the usual pace. */
export const INSTANCE_MS = 15_000

/** Which processes speak with one witness key. There should be one; a copied data folder that runs makes a second. */
export class Instances {
  /** By key: when each process was heard last, in the order in which they were heard first. */
  readonly #heard = new Map<KeyText, Map<string, EpochMs>>()

  heard(key: KeyText, instance: string, now: EpochMs): void {
    const known = this.#heard.get(key) ?? new Map<string, EpochMs>()
    this.#heard.set(key, known)
    known.set(instance, now)
    for (const [other, at] of known) if (now - at > INSTANCE_MS) known.delete(other)
  }

  /** Whether another process with that key was here before this one, and still is. */
  hasElder(key: KeyText, instance: string, now: EpochMs): boolean {
    for (const [other, at] of this.#heard.get(key) ?? []) {
      if (other === instance) return false
      if (now - at <= INSTANCE_MS) return true
    }
    return false
  }

  /** No connection with that key is left. */
  gone(key: KeyText): void {
    this.#heard.delete(key)
  }
}
