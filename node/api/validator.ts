import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, { readonly type?: string }>>
}

/**
 * Numbers of paths and queries come as text, and the library's own conversion makes 1 of `1.5`, of `true` and of `1e0`. Only
 * digits are a number here; everything else is judged by the library.
 */
export const compileValidator: typeof TypeBoxValidatorCompiler = route => {
  const judge = TypeBoxValidatorCompiler(route)
  if (route.httpPart === 'body') return judge
  const { properties = {} } = route.schema as ObjectSchema
  const integers = Object.keys(properties).filter(name => properties[name]?.type === 'integer')
  return (value: Readonly<Record<string, unknown>>) => {
    const bent = integers.find(name => !isWhole(value[name]))
    if (bent === undefined) return judge(value)
    return {
      error: [{ instancePath: `/${bent}`, keyword: 'type', message: 'must be integer', params: {}, schemaPath: '' }],
    }
  }
}

function isWhole(given: unknown): boolean {
  return given === undefined || (typeof given === 'string' && /^-?\d{1,16}$/.test(given))
}
