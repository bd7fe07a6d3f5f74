import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type RouteId, routeIds, routeOf } from '../../node/api/routes.ts'

/**
 * A request on its way: it came from the command; the node has all of it; the node has answered, and the answer is here.
 * Of these moments the command knows none.
 */
export type When = 'asked' | 'sent' | 'answered'

export interface Moment {
  readonly route: RouteId
  /** `submit`, or `record after submit`: what only looks says what was last done by the same command. */
  readonly step: string
  readonly when: When
  readonly body: Uint8Array
}

/** What becomes of it then: `lost`: the connection breaks off, whatever the node did. */
export type Fate = 'goes on' | 'lost'

/** Stands between a command and the API of its node, and does to single requests what a test says. */
export class ApiProxy {
  /** Of the node; another one after its restart. */
  target: string
  url = ''
  /** May take its time: the request waits meanwhile. */
  at: (moment: Moment) => Fate | Promise<Fate> = () => 'goes on'
  /** Every record that a command has sent, each once. */
  readonly submitted = new Map<string, Uint8Array>()
  /** What `at` threw: a mistake of the test. */
  readonly faults: unknown[] = []
  #done = ''
  readonly #server: Server

  private constructor(target: string) {
    this.target = target
    this.#server = createServer((from, to) => void this.#serve(from, to))
  }

  static async before(target: string): Promise<ApiProxy> {
    const proxy = new ApiProxy(target)
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve))
    proxy.url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`
    return proxy
  }

  /** To be called before each command. */
  begin(): void {
    this.#done = ''
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #serve(from: IncomingMessage, to: ServerResponse): Promise<void> {
    try {
      await this.#pass(from, to)
    } catch (error) {
      this.faults.push(error)
      to.destroy()
    }
  }

  async #pass(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const body = new Uint8Array(await buffer(from))
    const route = routeNamed(from)
    if (route === 'submit') this.submitted.set(Buffer.from(body).toString('base64'), body)
    if (routeOf(route).method === 'POST') this.#done = route
    const step = this.#done === '' || this.#done === route ? route : `${route} after ${this.#done}`
    const goesOn = async (when: When) => (await this.at({ route, step, when, body })) === 'goes on'
    if (!(await goesOn('asked'))) return void to.destroy()
    const sent = Promise.withResolvers<void>()
    const answer = this.#forward(from, body, sent.resolve)
    await Promise.race([sent.promise, answer])
    const isAwaited = await goesOn('sent')
    // A node that ended over it answers nothing.
    const answered = await answer
    if (answered === undefined || !isAwaited || !(await goesOn('answered'))) return void to.destroy()
    to.writeHead(answered.status, { 'content-type': answered.type }).end(answered.body)
  }

  async #forward(from: IncomingMessage, body: Uint8Array, sent: () => void): Promise<Answer | undefined> {
    const { authorization, 'content-type': type } = from.headers
    const headers = {
      ...(authorization === undefined ? {} : { authorization }),
      ...(type === undefined ? {} : { 'content-type': type, 'content-length': body.length }),
    }
    return new Promise(resolve => {
      const failed = () => resolve(undefined)
      const forward = request(this.target + from.url, { method: from.method, headers, agent: false }, response =>
        buffer(response).then(bytes => {
          const { 'content-type': answerType = '' } = response.headers
          resolve({ status: response.statusCode ?? 0, type: answerType, body: new Uint8Array(bytes) })
        }, failed),
      )
      forward.on('error', failed)
      forward.end(body, sent)
    })
  }
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Uint8Array
}

function routeNamed({ method, url = '' }: IncomingMessage): RouteId {
  const [path = ''] = url.split('?')
  const found = routeIds.find(id => {
    const route = routeOf(id)
    const form = new RegExp(`^${route.path.replace(/:[a-z]+/g, '[^/]+')}$`)
    return route.method === method && form.test(path)
  })
  if (found === undefined) throw new Error(`no route: ${method} ${url}`)
  return found
}
