import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { CodedError } from '../../src/rejection.ts'

/** What a prompt needs of a terminal; `process.stdin` and `process.stderr` fit. */
export interface Terminal {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream
}

export interface PassphraseOptions {
  /** A file that holds the passphrase; one line end after it does not count. */
  readonly file?: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  /** What the prompt asks for, for example `Passphrase of witness.key: `. */
  readonly question: string
  /** Ask twice, for a new key. */
  readonly confirm?: boolean
}

const ADVICE = 'give --passphrase-file, WEB4_PASSPHRASE_FILE or WEB4_PASSPHRASE, or run in a terminal'

/** In this order: the option, WEB4_PASSPHRASE, WEB4_PASSPHRASE_FILE, a prompt. Without a terminal nothing ever asks. */
export async function resolvePassphrase(options: PassphraseOptions): Promise<string> {
  if (options.file !== undefined) return fromFile(options.file)
  const text = options.env.WEB4_PASSPHRASE
  if (text !== undefined) return notEmpty(text, 'WEB4_PASSPHRASE')
  const file = options.env.WEB4_PASSPHRASE_FILE
  if (file !== undefined) return fromFile(file)
  if (options.terminal.stdin.isTTY !== true) throw new CodedError('PASSPHRASE', `no passphrase: ${ADVICE}`)
  const passphrase = notEmpty(await prompt(options.terminal, options.question), 'the answer')
  if (options.confirm === true && (await prompt(options.terminal, 'Again: ')) !== passphrase) {
    throw new CodedError('PASSPHRASE', 'the two passphrases differ')
  }
  return passphrase
}

async function fromFile(path: string): Promise<string> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new CodedError('PASSPHRASE', `cannot read the passphrase file ${path}`, { cause })
  }
  return notEmpty(text.replace(/\r?\n$/, ''), path)
}

function notEmpty(passphrase: string, source: string): string {
  if (passphrase === '') throw new CodedError('PASSPHRASE', `${source} is empty`)
  return passphrase
}

/** One line, not shown while it is typed. */
function prompt(terminal: Terminal, question: string): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: terminal.stdin, output: silent, terminal: true, historySize: 0 })
  return new Promise<string>((resolve, reject) => {
    lines.once('line', line => {
      resolve(line)
      lines.close()
    })
    lines.once('SIGINT', () => lines.close())
    // After a line this changes nothing: the promise is settled.
    lines.once('close', () => reject(new CodedError('PASSPHRASE', 'no passphrase was typed')))
    terminal.stderr.write(question)
  }).finally(() => terminal.stderr.write('\n'))
}
