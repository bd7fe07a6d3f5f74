import { parentPort } from 'node:worker_threads'

/** A verifier thread whose self-test fails. */
parentPort?.on('message', () => parentPort?.close())
parentPort?.postMessage('signature self-test: speccheck 0 gave true, expected false')
