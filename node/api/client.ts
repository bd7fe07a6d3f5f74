import { CodedError } from '../../src/rejection.ts'
import { errorOf } from './problem.ts'
import { type InputOf, type OutputOf, type RouteId, routeIds, routeOf, urlOf } from './routes.ts'
import { parseEvents, type StreamedEvent } from './sse.ts'

/** Longer than a node may take: see the time-outs of the server. */
const TIMEOUT_MS = 160_000

export interface ClientInit {
  /** Of the API: `http://127.0.0.1:4480`. */
  readonly url: string
  /** For the operator's routes. */
  readonly token?: string
  readonly fetch?: typeof fetch
  readonly timeoutMs?: number
}

interface CallOptions {
  readonly signal?: AbortSignal
}

type Arguments<Id extends RouteId> =
  unknown extends InputOf<Id>
    ? [input?: Record<never, never>, options?: CallOptions]
    : Partial<InputOf<Id>> extends InputOf<Id>
      ? [input?: InputOf<Id>, options?: CallOptions]
      : [input: InputOf<Id>, options?: CallOptions]

type Calls = { readonly [Id in Exclude<RouteId, 'events'>]: (...input: Arguments<Id>) => Promise<OutputOf<Id>> }

/** One method for each route. What a node refuses is thrown as a CodedError with the node's own code. */
export interface Client extends Calls {
  /** Ends when the node does, or when `signal` says so. */
  events(options?: CallOptions): AsyncGenerator<StreamedEvent>
}

export function createClient(init: ClientInit): Client {
  const calls = routeIds
    .filter(id => id !== 'events')
    .map(id => [id, (input: object = {}, options: CallOptions = {}) => call(init, id, input, options)])
  return {
    ...(Object.fromEntries(calls) as unknown as Calls),
    events: (options = {}) => listen(init, options),
  }
}

async function call(init: ClientInit, id: RouteId, input: object, options: CallOptions): Promise<unknown> {
  const { form, statuses } = routeOf(id).answer
  const timeout = AbortSignal.timeout(init.timeoutMs ?? TIMEOUT_MS)
  const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
  const response = await send(init, id, input, signal)
  if (!statuses.includes(response.status)) throw await refusal(init, response)
  try {
    if (form === 'json') return await response.json()
    return form === 'text' ? await response.text() : new Uint8Array(await response.arrayBuffer())
  } catch (error) {
    options.signal?.throwIfAborted()
    throw new CodedError('PEER_GARBAGE', `${init.url} broke off or did not answer as a node does`, { cause: error })
  }
}

async function* listen(init: ClientInit, { signal }: CallOptions): AsyncGenerator<StreamedEvent> {
  const response = await send(init, 'events', {}, signal)
  if (response.status !== 200 || response.body === null) throw await refusal(init, response)
  try {
    yield* parseEvents(textOf(response.body))
  } catch (error) {
    // A stream that ends because it was told to, or because the node stopped, has simply ended.
    if (signal?.aborted !== true && !(error instanceof TypeError)) throw error
  }
}

async function* textOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      yield decoder.decode(next.value, { stream: true })
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

async function send(init: ClientInit, id: RouteId, input: object, signal: AbortSignal | undefined): Promise<Response> {
  const route = routeOf(id)
  const headers: Record<string, string> = {}
  if (route.auth === 'operator' && init.token !== undefined) headers.authorization = `Bearer ${init.token}`
  if (route.body !== undefined) headers['content-type'] = 'application/json'
  const request = init.fetch ?? globalThis.fetch
  try {
    return await request(init.url.replace(/\/+$/, '') + urlOf(route, input as Record<string, unknown>), {
      method: route.method,
      headers,
      ...(route.body === undefined ? {} : { body: bodyOf(input as { body: unknown }) }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new CodedError('NODE_UNREACHABLE', `no node answers at ${init.url}`, { cause: error })
  }
}

function bodyOf({ body }: { body: unknown }): BodyInit {
  return body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body)
}

async function refusal(init: ClientInit, response: Response): Promise<CodedError> {
  const document: unknown = await response.json().catch(() => undefined)
  return (
    errorOf(document) ??
    new CodedError('PEER_GARBAGE', `${init.url} answered ${response.status}, and not as a node does`)
  )
}
