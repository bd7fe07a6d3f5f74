import { parentPort } from 'node:worker_threads'
import { selfTest } from '../../src/self-test.ts'
import { verifySync } from '../crypto/sodium.ts'
import { verifyPacked } from './layout.ts'

/**
 * Body of a verifier thread. It first says 'ready', or in a text what its self-test found; then each ArrayBuffer of jobs
 * is answered with a bitmap, in order; null ends it.
 */
const port = parentPort
if (port !== null) {
  port.on('message', (jobs: ArrayBuffer | null) => {
    if (jobs === null) {
      port.close()
      return
    }
    const bitmap = verifyPacked(jobs, verifySync)
    port.postMessage(bitmap, [bitmap.buffer])
  })
  port.postMessage(selfTest(verifySync) ?? 'ready')
}
