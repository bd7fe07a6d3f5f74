import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifySchema } from 'fastify'
import { PROBLEM_TYPE } from './problem.ts'
import { type RouteId, routeOf } from './routes.ts'
import { problemSchema } from './schemas.ts'

/** The document without its paths, which come from the table of routes. */
export function openapiBase(version: string): NonNullable<FastifyDynamicSwaggerOptions['openapi']> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'web4 node',
      version,
      description: 'Births, accounts and attestations of societies, with proofs that hold offline.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    tags: [
      { name: 'public', description: 'Open to everybody who reaches the port' },
      { name: 'operator', description: 'Needs the token of operator.token in the data folder' },
    ],
    components: { securitySchemes: { operator: { type: 'http', scheme: 'bearer' } } },
  }
}

/** What fastify validates by, and what the document says of a route. */
export function routeSchema(id: RouteId): FastifySchema {
  const route = routeOf(id)
  const { type, statuses, schema } = route.answer
  const good = statuses.map(status => [status, { description: route.summary, content: { [type]: { schema } } }])
  return {
    operationId: id,
    summary: route.summary,
    tags: [route.auth],
    ...(route.auth === 'operator' ? { security: [{ operator: [] }] } : {}),
    ...(route.params === undefined ? {} : { params: route.params }),
    ...(route.query === undefined ? {} : { querystring: route.query }),
    ...(route.body === undefined ? {} : { body: route.body }),
    response: {
      ...Object.fromEntries(good),
      default: { description: 'Refused', content: { [PROBLEM_TYPE]: { schema: problemSchema } } },
    },
  }
}
