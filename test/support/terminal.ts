import { type ChildProcess, spawn } from 'node:child_process'

/** A shell in a process of its own, to type into, with a screen to read: what it and all that it starts write. */

/** What waiting commands tell about themselves, at times that depend on the machine. */
const PROGRESS = /^.* … \d+ s$/

export class Terminal {
  readonly name: string
  readonly #shell: ChildProcess
  readonly #ended: Promise<void>
  #screen = ''
  #typed = 0
  #changed = Promise.withResolvers<void>()

  private constructor(name: string, shell: ChildProcess) {
    this.name = name
    this.#shell = shell
    this.#ended = new Promise(resolve => shell.once('close', () => resolve()))
    const show = (text: string) => {
      this.#screen += text
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    }
    shell.stdout?.setEncoding('utf8').on('data', show)
    shell.stderr?.setEncoding('utf8').on('data', show)
    shell.stdin?.on('error', () => {})
  }

  /** `before`: a command that starts the shell somewhere else, for example in a network namespace. */
  static open(name: string, env: NodeJS.ProcessEnv, cwd: string, before: readonly string[] = []): Terminal {
    const [program = 'bash', ...args] = [...before, 'bash', '--noprofile', '--norc']
    // A group of its own: whatever was started in it ends with it.
    const shell = spawn(program, args, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
    const terminal = new Terminal(name, shell)
    // One screen: what commands write as errors stands where they wrote it.
    shell.stdin?.write('exec 2>&1\n')
    return terminal
  }

  /** Types one line, and returns the lines on the screen once the command has ended and `isShown` says that they are all. */
  async type(
    command: string,
    limitMs: number,
    isShown: (screen: readonly string[]) => boolean,
  ): Promise<{ readonly status: number; readonly screen: readonly string[] }> {
    const from = this.#screen.length
    const mark = `--- ${this.name} ${++this.#typed}`
    // Commands read nothing of what is typed after them.
    this.#shell.stdin?.write(`{ ${command}\n} < /dev/null\necho "${mark} $?"\n`)
    const end = new RegExp(`^${mark} (\\d+)$`, 'm')
    const deadline = performance.now() + limitMs
    for (;;) {
      const text = this.#screen.slice(from)
      const status = end.exec(text)?.[1]
      const screen = linesOf(text.replace(end, ''))
      if (status !== undefined && (status !== '0' || isShown(screen))) return { status: Number(status), screen }
      const left = deadline - performance.now()
      if (left <= 0) return { status: status === undefined ? -1 : Number(status), screen }
      await this.#change(left)
    }
  }

  async #change(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, limitMs)
    })
    await Promise.race([this.#changed.promise, late]).finally(() => clearTimeout(timer))
  }

  /** Ends what runs in it, then the shell. */
  async close(limitMs = 20_000): Promise<void> {
    this.#shell.stdin?.end('kill $(jobs -p) 2> /dev/null; wait\n')
    const timer = setTimeout(() => this.#kill(), limitMs)
    await this.#ended
    clearTimeout(timer)
  }

  #kill(): void {
    try {
      process.kill(-(this.#shell.pid ?? 0), 'SIGKILL')
    } catch {
      // All of it has ended.
    }
  }
}

function linesOf(text: string): string[] {
  return text.split('\n').filter(line => line !== '' && !PROGRESS.test(line))
}
