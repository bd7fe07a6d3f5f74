import { once } from 'node:events'
import { mkdir, open } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

/** The least that it can take to bring bytes to many disks of this machine: plain TCP to each, write, fdatasync. */
export class PlainFanOut {
  readonly #server: Server
  readonly #sockets: readonly Socket[]
  #bytes = 0
  #open = 0
  #done: () => void = () => {}

  private constructor(server: Server, sockets: readonly Socket[]) {
    this.#server = server
    this.#sockets = sockets
  }

  static async start(dir: string, receivers: number): Promise<PlainFanOut> {
    await mkdir(dir)
    const server = createServer({ noDelay: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const sockets: Socket[] = []
    const fanOut = new PlainFanOut(server, sockets)
    for (let index = 0; index < receivers; index++) {
      const accepted = once(server, 'connection') as Promise<[Socket]>
      sockets.push(connect({ port, host: '127.0.0.1', noDelay: true }))
      const [receiver] = await accepted
      await fanOut.#receive(receiver, join(dir, `${index}`))
    }
    return fanOut
  }

  /** Milliseconds until each receiver has so many bytes on its disk. */
  async send(bytes: number): Promise<number> {
    const piece = new Uint8Array(bytes)
    this.#bytes = bytes
    this.#open = this.#sockets.length
    const stored = new Promise<void>(resolve => {
      this.#done = resolve
    })
    const start = performance.now()
    for (const socket of this.#sockets) socket.write(piece)
    await stored
    return performance.now() - start
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #receive(socket: Socket, path: string): Promise<void> {
    const file = await open(path, 'w')
    let pieces: Buffer[] = []
    let length = 0
    const store = async (bytes: Uint8Array) => {
      await file.write(bytes)
      await file.datasync()
      this.#open--
      if (this.#open === 0) this.#done()
    }
    socket.on('data', piece => {
      pieces.push(piece)
      length += piece.length
      if (length < this.#bytes) return
      void store(Buffer.concat(pieces))
      pieces = []
      length = 0
    })
    socket.on('close', () => void file.close())
  }
}
