import { multiaddr } from '@multiformats/multiaddr'
import { isAccessEntry } from '../net/access.ts'
import { type Config, type Option, type OptionName, options, otherVariables } from './options.ts'

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly string[] }

export interface ConfigSources {
  /** Text of a JSON file. */
  readonly file?: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** By option name; text as typed, or a value of the option's own type. */
  readonly flags: Readonly<Record<string, unknown>>
}

/** Flags before environment before file before defaults. Every problem of every source is reported, not only the first. */
export function readConfig(sources: ConfigSources): ConfigResult {
  const problems: string[] = []
  const file = parseFile(sources.file, problems)
  const given = [...fromFile(file, problems), ...fromEnv(sources.env, problems), ...fromFlags(sources.flags, problems)]
  const named = new Set(given.map(({ name }) => name))
  const values: Record<string, unknown> = {}
  for (const { name, source, raw } of [...defaults().filter(({ name }) => !named.has(name)), ...given]) {
    const parsed = parse(options[name], raw, sources.env)
    if (parsed.ok) values[name] = parsed.value
    // An overridden value is checked too: it is a mistake that waits.
    else problems.push(`${source}: ${parsed.problem}`)
  }
  // Every name has a default, so the table's own types hold here.
  return problems.length === 0 ? { ok: true, config: values as unknown as Config } : { ok: false, problems }
}

interface Given {
  readonly name: OptionName
  /** What the user wrote it as. */
  readonly source: string
  readonly raw: unknown
}

const names = Object.keys(options) as OptionName[]

function optionOf(name: OptionName): Option {
  return options[name]
}

function defaults(): Given[] {
  return names.map(name => ({ name, source: `default of ${name}`, raw: options[name].default }))
}

function parseFile(text: string | undefined, problems: string[]): Record<string, unknown> {
  if (text === undefined) return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    problems.push('file: not JSON')
    return {}
  }
  problems.push('file: not a JSON object')
  return {}
}

function fromFile(file: Record<string, unknown>, problems: string[]): Given[] {
  return Object.entries(file).flatMap(([name, raw]) => {
    if (!isName(name)) {
      problems.push(`file: unknown option ${name}`)
    } else if (optionOf(name).secret) {
      problems.push(`file: ${name} is a secret; set ${options[name].env} instead`)
    } else {
      return [{ name, source: `file, ${name}`, raw }]
    }
    return []
  })
}

function fromEnv(env: ConfigSources['env'], problems: string[]): Given[] {
  const known = new Map(names.map(name => [options[name].env as string, name]))
  return Object.entries(env).flatMap(([variable, raw]) => {
    if (!variable.startsWith('WEB4_') || raw === undefined) return []
    const name = known.get(variable)
    if (name !== undefined) return [{ name, source: variable, raw }]
    if (!(variable in otherVariables)) problems.push(`environment: unknown variable ${variable}`)
    return []
  })
}

function fromFlags(flags: ConfigSources['flags'], problems: string[]): Given[] {
  return Object.entries(flags).flatMap(([name, raw]) => {
    if (raw === undefined) return []
    const flag = isName(name) ? optionOf(name).flag : undefined
    if (isName(name) && flag !== undefined) return [{ name, source: flag, raw }]
    problems.push(`flags: unknown option ${name}`)
    return []
  })
}

function isName(name: string): name is OptionName {
  return Object.hasOwn(options, name)
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly problem: string }

const value = (parsed: unknown): Parsed => ({ ok: true, value: parsed })
const problem = (text: string): Parsed => ({ ok: false, problem: text })

function parse(option: Option, raw: unknown, env: ConfigSources['env']): Parsed {
  switch (option.type) {
    case 'text':
      if (typeof raw !== 'string') return problem('must be text')
      return option.pattern.test(raw) ? value(raw) : problem(`must be ${option.form}`)
    case 'path':
      return parsePath(raw, env)
    case 'integer':
      return parseInteger(option.min, option.max, raw)
    case 'switch':
      return parseSwitch(raw)
    case 'choice':
      return option.choices.includes(raw as string)
        ? value(raw)
        : problem(`must be one of ${option.choices.join(', ')}`)
    case 'addresses':
      return parseList(raw, 'multiaddresses', isMultiaddr)
    case 'access':
      return parseList(raw, 'peers and networks', isAccessEntry)
  }
}

function parsePath(raw: unknown, env: ConfigSources['env']): Parsed {
  if (typeof raw !== 'string' || raw.includes('\0')) return problem('must be a path')
  if (raw !== '~' && !raw.startsWith('~/')) return value(raw)
  const home = env.HOME ?? env.USERPROFILE
  return home === undefined || home === ''
    ? problem(`${raw} needs HOME in the environment; give a path without ~`)
    : value(home + raw.slice(1))
}

function parseInteger(min: number, max: number, raw: unknown): Parsed {
  const number = typeof raw === 'string' && /^\d{1,10}$/.test(raw) ? Number(raw) : raw
  if (typeof number !== 'number' || !Number.isInteger(number) || number < min || number > max) {
    return problem(`must be a whole number from ${min} to ${max}`)
  }
  return value(number)
}

function parseSwitch(raw: unknown): Parsed {
  if (raw === true || raw === 'on' || raw === 'true') return value(true)
  if (raw === false || raw === 'off' || raw === 'false') return value(false)
  return problem('must be on or off')
}

function parseList(raw: unknown, what: string, isGood: (text: string) => boolean): Parsed {
  const list = typeof raw === 'string' ? raw.split(',').filter(text => text !== '') : raw
  if (!Array.isArray(list) || list.some(item => typeof item !== 'string')) return problem(`must be a list of ${what}`)
  const bad = (list as string[]).filter(text => !isGood(text))
  return bad.length === 0 ? value(list) : problem(`must be ${what}: ${bad.join(', ')}`)
}

function isMultiaddr(text: string): boolean {
  try {
    return multiaddr(text).getComponents().length > 0
  } catch {
    return false
  }
}
