import { writeSync } from 'node:fs'
import { constants } from 'node:os'
import { runCli } from './program.ts'

/** A signal comes twice within this time when a terminal sends it to the launcher and to us. */
const SAME_SIGNAL_MS = 500

const ended = Promise.withResolvers<void>()
let handled = false
let first = 0

/** The first signal asks a command to end, a later one ends it. Commands that wait for nothing end at once. */
function onSignal(signal: 'SIGINT' | 'SIGTERM'): void {
  const now = Date.now()
  if (handled && first === 0) {
    first = now
    ended.resolve()
  } else if (!handled || now - first > SAME_SIGNAL_MS) {
    process.exit(128 + constants.signals[signal])
  }
}
process.on('SIGINT', onSignal)
process.on('SIGTERM', onSignal)
// A demo starts nodes with a channel to itself: when it dies, however it dies, its nodes end too.
process.on('disconnect', () => onSignal('SIGTERM'))

/** Synchronous: nothing may be lost when the process ends right after. */
function write(fd: 1 | 2, piece: string | Uint8Array): void {
  let rest = typeof piece === 'string' ? Buffer.from(piece) : piece
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // The reader has gone (`web4 log | head`): no reason to fail.
      if (code === 'EPIPE') return
      if (code !== 'EAGAIN') throw error
    }
  }
}

process.exit(
  await runCli(process.argv.slice(2), {
    env: process.env,
    stdout: piece => write(1, piece),
    stderr: text => write(2, text),
    terminal: process,
    now: Date.now,
    ended: () => {
      handled = true
      return ended.promise
    },
  }),
)
