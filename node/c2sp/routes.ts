import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { utf8Decode } from '../../src/canonical.ts'
import type { CheckpointWitness } from '../../src/driver/checkpoint-witness.ts'
import { ADD_CHECKPOINT_BYTES_MAX, TLOG_SIZE_TYPE } from '../../src/log/c2sp/tlog-witness.ts'
import { type Code, codes } from '../../src/rejection.ts'
import { societyField, strictObject } from '../api/schemas.ts'
import type { Logger } from '../observe/logger.ts'
import type { PublishedLogs } from './published-logs.ts'

/**
 * C2SP tlog-tiles and tlog-witness over HTTP. Their statuses, types and bodies are those of the specifications, so they
 * answer in plain text and stand beside the table of routes, not in it.
 */
export interface C2spComponents {
  readonly logs: Pick<PublishedLogs, 'checkpoint' | 'vkey' | 'tile'>
  /** Absent: this node is no public witness. */
  readonly witness?: CheckpointWitness
  readonly logger: Logger
}

const TEXT = 'text/plain; charset=utf-8'
const BYTES = 'application/octet-stream'
/** A tile never changes: a year, the longest that caches are told. */
const FOR_EVER = 'public, max-age=31536000, immutable'
/** The checkpoint moves with every group. */
const BRIEFLY = 'public, max-age=2'
const compress = promisify(gzip)

const publishedParams = strictObject({ society: societyField })
/** For the document only: the validator cannot read a member of that name, and a society that is none is not found. */
const tileParams = Type.Object({ society: societyField, '*': Type.String() })

/** Statuses of tlog-witness; every other code keeps its own. */
const STATUSES: Partial<Record<Code, number>> = {
  TLOG_FORMAT: 400,
  NOTE_FORMAT: 400,
  NOTE_SIGNATURE: 403,
  NOT_FOUND: 404,
  PROOF_INVALID: 422,
}

export function c2spRoutes({ logger, logs, witness }: C2spComponents): (app: FastifyInstance) => Promise<void> {
  return async app => {
    app.setErrorHandler((error: FastifyError, _request, reply) => {
      if (error.validation !== undefined) return plain(reply, 404, 'not the name of a log')
      const status = error.statusCode ?? 500
      if (status >= 500) logger.error('request failed', { error })
      return plain(reply, status, status < 500 ? error.message : 'a fault of this node')
    })
    serveLogs(app, logs)
    if (witness !== undefined) serveWitness(app, witness)
  }
}

function serveLogs(app: FastifyInstance, logs: C2spComponents['logs']): void {
  const prefix = '/tlog/:society'
  app.get<{ Params: { society: string } }>(
    `${prefix}/checkpoint`,
    {
      schema: describe(
        'tlogCheckpoint',
        'C2SP checkpoint: newest final note, with public cosignatures',
        TEXT,
        publishedParams,
      ),
    },
    ({ params }, reply) => sendText(reply, logs.checkpoint(params.society)),
  )
  app.get<{ Params: { society: string } }>(
    `${prefix}/vkey`,
    { schema: describe('tlogKey', 'C2SP verifier key of the log at its checkpoint', TEXT, publishedParams) },
    ({ params }, reply) => sendText(reply, logs.vkey(params.society)),
  )
  app.get<{ Params: { society: string; '*': string } }>(
    `${prefix}/tile/*`,
    {
      schema: describe('tlogTile', 'C2SP tile <L>/<N>[.p/<W>], or bundle entries/<N>[.p/<W>]', BYTES, tileParams),
      validatorCompiler: () => () => true,
    },
    async (request, reply) => {
      const { '*': rest, society } = request.params
      const bytes = await logs.tile(society, `tile/${rest}`)
      if (bytes === undefined) return plain(reply, 404, 'no such tile below the checkpoint')
      reply.header('cache-control', FOR_EVER).type(BYTES)
      return rest.startsWith('entries/') ? sendCompressed(request, reply, bytes) : reply.send(Buffer.from(bytes))
    },
  )
}

function serveWitness(app: FastifyInstance, witness: CheckpointWitness): void {
  // The specification asks for no content type.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  app.get(
    '/tlog-witness/vkey',
    { schema: describe('witnessKey', "C2SP verifier key of this node's public witness", TEXT) },
    (_request, reply) => sendText(reply, `${witness.vkey}\n`),
  )
  app.post(
    '/tlog-witness/add-checkpoint',
    {
      bodyLimit: ADD_CHECKPOINT_BYTES_MAX,
      schema: {
        ...describe('addCheckpoint', 'C2SP tlog-witness: cosignatures of a consistent checkpoint', TEXT),
        response: {
          200: { description: 'cosignature lines', content: { [TEXT]: { schema: Type.String() } } },
          409: { description: 'the size last cosigned', content: { [TLOG_SIZE_TYPE]: { schema: Type.String() } } },
          default: { description: 'Refused', content: { [TEXT]: { schema: Type.String() } } },
        },
      },
    },
    async ({ body }, reply) => {
      const text = body instanceof Uint8Array ? utf8Decode(body) : undefined
      if (text === undefined) return plain(reply, 400, 'not UTF-8')
      const answer = await witness.addCheckpoint(text)
      if (!answer.ok) {
        const { code, detail } = answer.error
        return plain(reply, STATUSES[code] ?? codes[code].http, detail ?? codes[code].doc)
      }
      if (answer.value.type === 'cosigned') return reply.type(TEXT).send(answer.value.lines)
      return reply.code(409).type(TLOG_SIZE_TYPE).send(`${answer.value.size}\n`)
    },
  )
}

function describe(operationId: string, summary: string, type: string, params?: object): object {
  return {
    operationId,
    summary,
    tags: ['public'],
    ...(params === undefined ? {} : { params }),
    response: {
      200: { description: summary, content: { [type]: { schema: Type.String() } } },
      default: { description: 'Refused', content: { [TEXT]: { schema: Type.String() } } },
    },
  }
}

function sendText(reply: FastifyReply, text: string | undefined): FastifyReply {
  if (text === undefined) return plain(reply, 404, 'no such log, or nothing published of it yet')
  return reply.header('cache-control', BRIEFLY).type(TEXT).send(text)
}

async function sendCompressed(request: FastifyRequest, reply: FastifyReply, bytes: Uint8Array): Promise<FastifyReply> {
  reply.header('vary', 'accept-encoding')
  if (!/(?:^|,)\s*gzip\s*(?:,|$)/.test(request.headers['accept-encoding'] ?? '')) return reply.send(Buffer.from(bytes))
  return reply.header('content-encoding', 'gzip').send(await compress(bytes))
}

function plain(reply: FastifyReply, status: number, text: string): FastifyReply {
  return reply.code(status).header('cache-control', 'no-store').type(TEXT).send(`${text}\n`)
}
