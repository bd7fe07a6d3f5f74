import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** Other processes of a benchmark: they speak by messages, each an object with one member that names it. */

/** Starts a file with one argument; whoever starts it ends it. */
export function startChild(file: URL, argument: unknown): ChildProcess {
  return fork(file, [JSON.stringify(argument)], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
  })
}

/** The next message, which must be `name`. */
export async function heard<Message extends object, Name extends string>(
  child: ChildProcess,
  name: Name,
): Promise<Extract<Message, Record<Name, unknown>>> {
  const failed = once(child, 'exit').then(([code]) => Promise.reject(new Error(`a child ended with ${code}`)))
  const [message] = (await Promise.race([once(child, 'message'), failed])) as [Message]
  if (!(name in message)) throw new Error(`a child said ${JSON.stringify(message)}`)
  return message as Extract<Message, Record<Name, unknown>>
}

export function tell(child: ChildProcess, message: object): void {
  if (child.connected) child.send(message)
}
