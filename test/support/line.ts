import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP line to one port of this machine, that a test can cut. */
export class Line {
  readonly #server: Server
  readonly #calls = new Set<readonly [near: Socket, far: Socket]>()
  #isCut = false

  private constructor(port: number) {
    this.#server = createServer(near => this.#call(near, port))
  }

  static async to(port: number): Promise<Line> {
    const line = new Line(port)
    await new Promise<void>(resolve => line.#server.listen(0, '127.0.0.1', resolve))
    return line
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** All connections break off, and new ones as soon as they are made. */
  cut(): void {
    this.#isCut = true
    for (const call of this.#calls) for (const socket of call) socket.destroy()
  }

  mend(): void {
    this.#isCut = false
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.#server.close(resolve))
  }

  #call(near: Socket, port: number): void {
    if (this.#isCut) return void near.destroy()
    const far = connect(port, '127.0.0.1')
    const call = [near, far] as const
    this.#calls.add(call)
    for (const [from, to] of [call, [far, near]] as const) {
      // A connection that breaks is what this is for.
      from.on('error', () => {})
      from.on('data', (bytes: Buffer) => to.write(bytes))
      from.on('close', () => {
        to.destroy()
        this.#calls.delete(call)
      })
    }
  }
}
