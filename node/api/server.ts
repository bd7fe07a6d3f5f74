import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import swagger from '@fastify/swagger'
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { CodedError, codes, type Rejection, rejection } from '../../src/rejection.ts'
import type { Logger } from '../observe/logger.ts'
import type { NodeService } from '../service.ts'
import { EVENT_CLIENTS_MAX, EventClients, type EventClientsInit } from './event-clients.ts'
import { createHandlers, type Handlers, type Reply } from './handlers.ts'
import { openapiBase, routeSchema } from './openapi.ts'
import { PROBLEM_TYPE, problemOf } from './problem.ts'
import { type RouteId, routeIds, routeOf, SUBMISSION_BYTES_MAX } from './routes.ts'
import { bears } from './token.ts'
import { compileValidator } from './validator.ts'

/** The longest body is a genesis or birth with its record, 40 KiB, or a submission. */
const BODY_BYTES_MAX = SUBMISSION_BYTES_MAX
/** For a whole request to arrive. The longest is 64 KiB. */
const REQUEST_TIMEOUT_MS = 30_000
/** Silence on a socket. A submission may wait 60 s for another society's receipt, a genesis for several witnesses in turn. */
const CONNECTION_TIMEOUT_MS = 150_000
/** Between two requests on one socket. */
const KEEP_ALIVE_MS = 30_000
/** For answers in the making when the server stops. */
const STOP_GRACE_MS = 5_000
/** The longest name in a path is an LCT id with 108 characters. */
const PARAM_CHARACTERS_MAX = 128

export interface ApiInit {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly events?: EventClientsInit
}

export interface ApiComponents {
  readonly service: NodeService
  /** What the operator's requests must bear. */
  readonly token: string
  readonly logger: Logger
  readonly version: string
  /** Routes of other specifications, which the table does not hold. */
  readonly others?: (app: FastifyInstance) => Promise<void>
}

export interface ApiServer {
  start(): Promise<{ readonly url: string }>
  stop(): Promise<void>
}

interface Running {
  readonly app: FastifyInstance
  readonly events: EventClients
  readonly url: string
  /** Ends the sockets on which nobody has asked anything yet. */
  readonly endUnused: () => void
}

/** The HTTP API over a node. Can be started again after a stop. */
export function createApiServer(init: ApiInit, components: ApiComponents): ApiServer {
  let running: Running | undefined
  let change: Promise<unknown> = Promise.resolve()

  // Starts and stops wait for each other, so a stop during a start leaves nothing behind.
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = change.then(task)
    change = done.catch(() => {})
    return done
  }

  return {
    start: () =>
      inTurn(async () => {
        if (running === undefined) {
          const events = new EventClients(init.events ?? {}, components.service)
          const app = await createApp(components, events)
          const endUnused = watchUnused(app.server)
          await app.listen({ host: init.host, port: init.port })
          running = { app, events, url: urlOfAddress(app.server.address() as AddressInfo), endUnused }
        }
        return { url: running.url }
      }),
    stop: () =>
      inTurn(async () => {
        if (running === undefined) return
        const { app, events, endUnused } = running
        running = undefined
        events.close()
        endUnused()
        const cut = setTimeout(() => app.server.closeAllConnections(), STOP_GRACE_MS)
        await app.close()
        clearTimeout(cut)
      }),
  }
}

/** Clients open sockets ahead of their requests. To Node's server these are not idle, and closing would wait for them. */
function watchUnused(server: Server): () => void {
  const sockets = new Set<Socket>()
  server.on('connection', socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return () => {
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy()
  }
}

function urlOfAddress({ address, family, port }: AddressInfo): string {
  // Listening everywhere is no address to call; this machine's own is.
  if (address === '0.0.0.0' || address === '::') return `http://127.0.0.1:${port}`
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

async function createApp(components: ApiComponents, events: EventClients): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    routerOptions: { maxParamLength: PARAM_CHARACTERS_MAX },
    frameworkErrors: (error, _request, reply) => void refuse(reply, refusalOf(error, components.logger)),
    clientErrorHandler: (_error, socket) => {
      if (!socket.writable) return
      const body = JSON.stringify(problemOf(rejection('BAD_REQUEST', 'not HTTP')))
      socket.end(
        `HTTP/1.1 400 Bad Request\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
      )
    },
  })
  app.setValidatorCompiler(compileValidator)
  // What the node answers fits the schemas by type; nothing is cut or bent on the way out.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  app.setErrorHandler((error: FastifyError, _request, reply) => refuse(reply, refusalOf(error, components.logger)))
  app.setNotFoundHandler((_request, reply) => refuse(reply, { error: rejection('NOT_FOUND', 'no such resource') }))
  readBodiesAsBytes(app)
  await app.register(swagger, { openapi: openapiBase(components.version) })
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  const handlers = createHandlers(components.service)
  for (const id of routeIds) addRoute(app, id, handlers, events, components)
  if (components.others !== undefined) await app.register(components.others)
  await app.ready()
  return app
}

/** Bytes for routes that want them as they came, JSON for the others. */
function readBodiesAsBytes(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const { raw } = request.routeOptions.config as { raw?: boolean }
    if (raw === true) done(null, body)
    else parseJson(request, body.toString('utf8'), done)
  })
}

function addRoute(
  app: FastifyInstance,
  id: RouteId,
  handlers: Handlers,
  events: EventClients,
  { token }: ApiComponents,
): void {
  const route = routeOf(id)
  app.route({
    method: route.method,
    url: route.path,
    schema: routeSchema(id),
    config: { raw: route.rawBody === true } as object,
    // The bytes of a raw body are judged by the node, not by the schema, which only documents them.
    ...(route.rawBody === true ? { validatorCompiler: () => () => true } : {}),
    // Before the body is read.
    onRequest: async (request, reply) => {
      if (route.auth !== 'operator' || bears(request.headers.authorization, token)) return
      reply.header('www-authenticate', 'Bearer')
      await refuse(reply, { error: rejection('UNAUTHORIZED') })
    },
    handler: async (request, reply) => {
      if (id === 'events') return stream(reply, events)
      const handle = handlers[id] as (input: unknown) => Promise<Reply<unknown>>
      const answer = await handle(inputOf(request))
      if (!answer.ok) return refuse(reply, answer)
      reply.code(answer.status ?? 200).type(route.answer.type)
      const { value } = answer
      return reply.send(
        value instanceof Uint8Array
          ? Buffer.from(value.buffer, value.byteOffset, value.length)
          : toBody(route.answer.form, value),
      )
    },
  })
}

function toBody(form: string, value: unknown): unknown {
  return form === 'json' ? JSON.stringify(value) : value
}

function inputOf(request: FastifyRequest): object {
  const { body, params, query } = request
  return { ...(params as object), ...(query as object), ...(body === undefined ? {} : { body }) }
}

function stream(reply: FastifyReply, events: EventClients): FastifyReply | Promise<FastifyReply> {
  if (events.size >= EVENT_CLIENTS_MAX)
    return refuse(reply, { error: rejection('OVERLOADED', 'too many event streams') })
  reply.hijack()
  events.add(reply.raw)
  return reply
}

interface Refusal {
  readonly error: Rejection
  readonly status?: number
  readonly instance?: string
}

async function refuse(reply: FastifyReply, { error, ...more }: Refusal): Promise<FastifyReply> {
  const problem = problemOf(error, more)
  return reply.code(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem))
}

/** Refusals keep their code, mistakes in the request are told, and of everything else the log alone learns more. */
function refusalOf(error: FastifyError, logger: Logger): Refusal {
  if (error instanceof CodedError)
    return { error: rejection(error.code, error.message === codes[error.code].doc ? undefined : error.message) }
  if (error.validation !== undefined) {
    const facts = error.validation.map(({ instancePath, message }) =>
      `${error.validationContext}${instancePath} ${message ?? ''}`.trim(),
    )
    return { error: rejection('BAD_REQUEST', facts.slice(0, 8).join('; ').slice(0, 500)) }
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return { error: rejection('FORMAT_TOO_LARGE', `a body of more than ${BODY_BYTES_MAX} bytes`) }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return { error: rejection('BAD_REQUEST', 'the body must be application/json'), status: 415 }
  if (typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500)
    return { error: rejection('BAD_REQUEST') }
  logger.error('request failed', { error })
  return { error: rejection('INTERNAL') }
}
