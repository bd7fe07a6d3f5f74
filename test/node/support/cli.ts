import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { type ApiServer, createApiServer } from '../../../node/api/server.ts'
import { operatorToken } from '../../../node/api/token.ts'
import { writeApiFile } from '../../../node/cli/find-node.ts'
import { runCli } from '../../../node/cli/program.ts'
import { nullLogger } from '../../../node/observe/logger.ts'
import type { NodeService } from '../../../node/service.ts'
import { type FakeService, fakeService } from './fake-service.ts'

export interface End {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Commands in this process, on a data folder of their own; a node on it that is none answers what the test says. */
export class CliScene {
  readonly dir: string
  /** The clock of the commands. */
  now: () => number = Date.now
  #server: ApiServer | undefined

  private constructor(dir: string) {
    this.dir = dir
  }

  static async open(): Promise<CliScene> {
    return new CliScene(await mkdtemp(join(tmpdir(), 'web4-cli-')))
  }

  async close(): Promise<void> {
    await this.#server?.stop()
    await rm(this.dir, { recursive: true })
  }

  async serve(changes: Partial<NodeService> = {}): Promise<FakeService> {
    const service = fakeService(changes)
    const components = { service, token: await operatorToken(this.dir), logger: nullLogger, version: '0.1.0' }
    this.#server = createApiServer({ host: '127.0.0.1', port: 0 }, components)
    await writeApiFile(this.dir, (await this.#server.start()).url)
    return service
  }

  /** `answers`: what a person types when asked, on a terminal; without them there is none. */
  async web4(argv: readonly string[], answers?: readonly string[]): Promise<End> {
    const out: Buffer[] = []
    let stderr = ''
    const stdin = new PassThrough()
    if (answers !== undefined) Object.assign(stdin, { isTTY: true })
    const open = [...(answers ?? [])]
    const screen = new Writable({
      write(piece: Buffer, _encoding, done) {
        stderr += piece.toString()
        // Questions end so; what is typed is shown piece by piece.
        if (/(?:\): |\[y\/N\] )$/.test(piece.toString()) && open.length > 0) stdin.write(`${open.shift()}\n`)
        done()
      },
    })
    const code = await runCli(argv, {
      env: { WEB4_DIR: this.dir, WEB4_PASSPHRASE: 'correct horse' },
      stdout: piece => void out.push(Buffer.from(piece)),
      stderr: text => {
        stderr += text
      },
      terminal: { stdin, stderr: screen },
      now: () => this.now(),
      ended: () => Promise.resolve(),
    })
    return { code, stdout: Buffer.concat(out).toString('utf8'), stderr }
  }

  async json<T = Record<string, unknown>>(...argv: string[]): Promise<T> {
    const end = await this.web4([...argv, '--json'])
    assert.equal(end.code, 0, end.stderr)
    assert.equal(end.stdout.trimEnd().split('\n').length, 1)
    return JSON.parse(end.stdout) as T
  }

  async refused(code: string, ...argv: string[]): Promise<string> {
    const end = await this.web4([...argv, '--json'])
    assert.notEqual(end.code, 0)
    const { error } = JSON.parse(end.stdout) as { error: { code: string; detail: string } }
    assert.equal(error.code, code, end.stderr)
    return error.detail
  }
}
