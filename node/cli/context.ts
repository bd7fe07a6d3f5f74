import type { Terminal } from '../keys/passphrase.ts'

/** What a command may touch of its process; tests give their own. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: (piece: string | Uint8Array) => void
  readonly stderr: (text: string) => void
  readonly terminal: Terminal
  /** Milliseconds since the epoch, for progress and records. */
  readonly now: () => number
  /** Resolves when the process is asked to end. */
  readonly ended: () => Promise<void>
}
