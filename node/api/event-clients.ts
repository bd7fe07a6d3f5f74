import type { ServerResponse } from 'node:http'
import type { NodeService } from '../service.ts'
import { formatEvent, HEARTBEAT } from './sse.ts'

/** Proxies and our own socket time-out cut silent connections; most of them wait at least 30 s. */
const HEARTBEAT_MS = 15_000
/** Unread bytes of one client. Who falls behind further is cut off, and asks for the status when it is back. */
const BACKLOG_BYTES_MAX = 1_048_576
/** Each holds a socket and up to a backlog: 64 MiB at the very most. */
export const EVENT_CLIENTS_MAX = 64

export interface EventClientsInit {
  readonly heartbeatMs?: number
  readonly backlogBytesMax?: number
}

/** Everybody who listens to /v1/events. One subscription to the node serves them all; there is none while nobody listens. */
export class EventClients {
  readonly #clients = new Set<ServerResponse>()
  readonly #subscribe: NodeService['subscribe']
  readonly #heartbeatMs: number
  readonly #backlogBytesMax: number
  #unsubscribe: (() => void) | undefined
  #heartbeat: NodeJS.Timeout | undefined

  constructor(init: EventClientsInit, components: Pick<NodeService, 'subscribe'>) {
    this.#subscribe = listener => components.subscribe(listener)
    this.#heartbeatMs = init.heartbeatMs ?? HEARTBEAT_MS
    this.#backlogBytesMax = init.backlogBytesMax ?? BACKLOG_BYTES_MAX
  }

  get size(): number {
    return this.#clients.size
  }

  add(response: ServerResponse): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // nginx would hold events back otherwise.
      'x-accel-buffering': 'no',
    })
    response.write(HEARTBEAT)
    this.#clients.add(response)
    response.once('close', () => this.#forget(response))
    response.once('error', () => this.#forget(response))
    if (this.#clients.size === 1) this.#open()
  }

  /** Ends all streams. */
  close(): void {
    for (const response of [...this.#clients]) {
      this.#forget(response)
      response.end(() => response.destroy())
    }
  }

  #open(): void {
    this.#unsubscribe = this.#subscribe(event => this.#send(formatEvent(event)))
    this.#heartbeat = setInterval(() => this.#send(HEARTBEAT), this.#heartbeatMs)
    this.#heartbeat.unref()
  }

  #forget(response: ServerResponse): void {
    if (!this.#clients.delete(response) || this.#clients.size > 0) return
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
    clearInterval(this.#heartbeat)
  }

  #send(text: string): void {
    for (const response of [...this.#clients]) {
      if (response.writableLength > this.#backlogBytesMax) {
        this.#forget(response)
        response.destroy()
      } else {
        response.write(text)
      }
    }
  }
}
