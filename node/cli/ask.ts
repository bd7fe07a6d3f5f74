import { createInterface } from 'node:readline'
import type { CliContext } from './context.ts'

/** Questions to a person. Without a terminal nothing is ever asked. */

export function canAsk({ terminal }: CliContext): boolean {
  return terminal.stdin.isTTY === true
}

/** One line, without the spaces around it; "" when the person only pressed return, or ended the input. */
export function ask({ terminal }: CliContext, question: string): Promise<string> {
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr, terminal: true, historySize: 0 })
  return new Promise<string>(resolve => {
    lines.once('close', () => resolve(''))
    lines.question(question, line => {
      resolve(line.trim())
      lines.close()
    })
  })
}

/** Only a plain yes is one. */
export async function confirmed(context: CliContext, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(context, `${question} [y/N] `))
}
