import { parentPort } from 'node:worker_threads'
import { type Backend, type Operation, prepare, rate } from './backends.ts'

/** Measures what it is asked for and answers with operations per second. */
const port = parentPort
port?.on('message', (task: { backend: Backend; operation: Operation; durationMs: number } | null) => {
  if (task === null) port.close()
  else port.postMessage(rate(prepare(task.backend, task.operation), task.durationMs))
})
