import { parentPort } from 'node:worker_threads'
import { verifySync } from '../../node/crypto/sodium.ts'
import { verifyPacked } from '../../node/verify/layout.ts'

/** As the verifier thread, but a message `crash` ends it in the middle of the chunk. */
const port = parentPort
port?.on('message', (jobs: ArrayBuffer | null) => {
  if (jobs === null) {
    port.close()
    return
  }
  const bitmap = verifyPacked(jobs, (key, signature, message) => {
    if (Buffer.from(message).toString() === 'crash') throw new Error('crash on demand')
    return verifySync(key, signature, message)
  })
  port.postMessage(bitmap, [bitmap.buffer])
})
port?.postMessage('ready')
