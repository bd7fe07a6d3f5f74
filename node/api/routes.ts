import type { Static, TSchema } from 'typebox'
import { decayRoutes } from './decay-routes.ts'
import { operatorRoutes } from './operator-routes.ts'
import { publicRoutes } from './public-routes.ts'
import { resumeRoutes } from './resume-routes.ts'
import type { Route } from './route.ts'

export { SUBMISSION_BYTES_MAX } from './public-routes.ts'
export type { Route } from './route.ts'

/**
 * The API as data: the server, its OpenAPI document, the client, the CLI and the tests are all made from these tables.
 * Runs in a browser too.
 */
export const routes = { ...publicRoutes, ...operatorRoutes, ...resumeRoutes, ...decayRoutes } as const satisfies Record<
  string,
  Route
>

type Routes = typeof routes
export type RouteId = keyof Routes

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: DeepReadonly<T[Name]> }
    : T

type Part<R, Name extends string> = R extends { readonly [N in Name]: infer Schema extends TSchema }
  ? DeepReadonly<Static<Schema>>
  : unknown

/** Members of path and query together, as a caller gives them. */
export type InputOf<Id extends RouteId> = Part<Routes[Id], 'params'> &
  Part<Routes[Id], 'query'> &
  (Routes[Id] extends { readonly rawBody: true }
    ? { readonly body: Uint8Array }
    : Routes[Id] extends { readonly body: infer Schema extends TSchema }
      ? { readonly body: DeepReadonly<Static<Schema>> }
      : unknown)

/** What a good answer holds. */
export type OutputOf<Id extends RouteId> = Routes[Id]['answer'] extends { readonly form: 'bytes' }
  ? Uint8Array
  : Routes[Id]['answer'] extends { readonly form: 'stream' }
    ? never
    : DeepReadonly<Static<Routes[Id]['answer']['schema']>>

export const routeIds = Object.keys(routes) as RouteId[]

export function routeOf(id: RouteId): Route {
  return routes[id]
}

/** Path and query of a call. Query members that are undefined are left out. */
export function urlOf(route: Route, input: Readonly<Record<string, unknown>>): string {
  const path = route.path.replace(/:([a-z]+)/g, (_, name: string) => encodeURIComponent(String(input[name])))
  const query = new URLSearchParams()
  for (const name of Object.keys(route.query?.properties ?? {})) {
    if (input[name] !== undefined) query.set(name, String(input[name]))
  }
  return query.size === 0 ? path : `${path}?${query}`
}
