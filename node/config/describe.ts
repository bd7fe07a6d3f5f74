import { type Option, type OptionName, options, otherVariables } from './options.ts'

export interface OptionDescription {
  readonly name: OptionName
  /** As commander writes it: `--api-port <port>`. */
  readonly flag?: string
  readonly env: string
  readonly type: string
  readonly default: string
  readonly description: string
  readonly secret: boolean
}

/** All options in the order of the table, in words. */
export function describeConfig(): readonly OptionDescription[] {
  return (Object.keys(options) as OptionName[]).map(name => {
    const option: Option = options[name]
    return {
      name,
      ...(option.flag === undefined ? {} : { flag: `${option.flag} ${placeholder(option)}` }),
      env: option.env,
      type: typeText(option),
      default: defaultText(option),
      description: option.description,
      secret: option.secret === true,
    }
  })
}

function placeholder(option: Option): string {
  if (option.type === 'choice') return `<${option.choices.join('|')}>`
  if (option.type === 'switch') return '<on|off>'
  return { text: '<text>', path: '<path>', integer: '<number>', addresses: '<addresses>', access: '<list>' }[
    option.type
  ]
}

function typeText(option: Option): string {
  switch (option.type) {
    case 'integer':
      return `${option.min} to ${option.max}`
    case 'choice':
      return option.choices.join(', ')
    case 'switch':
      return 'on, off'
    case 'addresses':
      return 'multiaddresses'
    case 'access':
      return 'names of peers, /ip4/… or /ip6/… with or without /ipcidr/…'
    case 'text':
      return option.form
    case 'path':
      return 'path'
  }
}

function defaultText(option: Option): string {
  if (option.type === 'switch') return option.default ? 'on' : 'off'
  return Array.isArray(option.default) ? option.default.join(',') : String(option.default)
}

/** docs/configuration.md, whole. */
export function configurationPage(): string {
  const code = (text: string) => (text === '' ? '' : `\`${text.replaceAll('|', '\\|')}\``)
  const rows = describeConfig().map(option =>
    [
      code(option.name),
      code(option.flag ?? ''),
      code(option.env),
      option.type,
      code(option.default),
      option.description,
    ].join(' | '),
  )
  return `# Configuration

Made by \`node scripts/docs.ts\` from the table in \`node/config/options.ts\`; change it there.

A node reads its options from flags of \`web4 start\`, from the environment, from a JSON file (\`web4 start --config FILE\`) and
from the defaults, in this order of precedence. Names it does not know are refused, and all problems are reported together.
In the file, lists are arrays, numbers are numbers and switches are \`true\` or \`false\`; in flags and environment a list is
separated by commas and a switch is \`on\` or \`off\`. Secrets come from the environment only.

| option | flag | environment | values | default | meaning |
| --- | --- | --- | --- | --- | --- |
${rows.map(row => `| ${row} |`).join('\n')}

## Variables of the commands

| environment | meaning |
| --- | --- |
${Object.entries(otherVariables)
  .map(([name, meaning]) => `| ${code(name)} | ${meaning} |`)
  .join('\n')}
`
}
