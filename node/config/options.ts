import { networkOptions } from './network-options.ts'

/**
 * Every option of a node, declared once: the validation, the flags of `web4 start`, the help and docs/configuration.md
 * all come from this table. A name in the table is the name in the file and in `Config`.
 */
interface OptionFacts<Type extends string, Value> {
  readonly type: Type
  /** Long flag; absent: not from the command line, where other users of the machine could read it. */
  readonly flag?: `--${string}`
  readonly env: `WEB4_${string}`
  readonly default: Value
  readonly description: string
  /** Never printed, and refused in the file. */
  readonly secret?: true
}

/** One line of text that `pattern` accepts; `form` says it in words. */
type TextOption = OptionFacts<'text', string> & { readonly pattern: RegExp; readonly form: string }
/** A file or folder; `~` at its start is the home folder. "" where it may be absent. */
type PathOption = OptionFacts<'path', string>
type IntegerOption = OptionFacts<'integer', number> & { readonly min: number; readonly max: number }
/** on or off */
type SwitchOption = OptionFacts<'switch', boolean>
export type ChoiceOption<Choice extends string = string> = OptionFacts<'choice', Choice> & {
  readonly choices: readonly Choice[]
}
/** Multiaddresses; in flags and environment separated by commas. */
type AddressesOption = OptionFacts<'addresses', readonly string[]>
/** Names of peers, and networks as multiaddresses such as /ip4/10.0.0.0/ipcidr/8. */
type AccessOption = OptionFacts<'access', readonly string[]>
export type Option =
  | TextOption
  | PathOption
  | IntegerOption
  | SwitchOption
  | ChoiceOption
  | AddressesOption
  | AccessOption

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
const STORES = ['level', 'memory'] as const
const SCORES = ['federation', 'library'] as const
const CONSENTS = ['none', 'all'] as const

export const options = {
  dir: {
    type: 'path',
    flag: '--dir',
    env: 'WEB4_DIR',
    default: '~/.web4',
    description: 'data folder: keys, logs, operator.token and api.json',
  },
  name: {
    type: 'text',
    env: 'WEB4_NAME',
    default: '',
    pattern: /^(?:[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?)?$/,
    form: 'up to 32 of a-z, 0-9 and -, not at the ends',
    description: 'short name of the society; `web4 init --name` writes it, invitations and the charter take it',
  },
  listen: {
    type: 'addresses',
    flag: '--listen',
    env: 'WEB4_LISTEN',
    default: ['/ip4/127.0.0.1/tcp/0'],
    description: 'where other nodes can connect; port 0 takes a free one',
  },
  peers: {
    type: 'addresses',
    flag: '--peers',
    env: 'WEB4_PEERS',
    default: [],
    description: 'nodes to connect to, and to reconnect to with back-off',
  },
  federation: {
    type: 'text',
    flag: '--federation',
    env: 'WEB4_FEDERATION',
    default: 'web4',
    pattern: /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
    form: 'up to 32 of a-z, 0-9 and -, not at the ends',
    description: 'name in the gossip topics; nodes of different federations do not hear each other',
  },
  ...networkOptions,
  api_host: {
    type: 'text',
    flag: '--api-host',
    env: 'WEB4_API_HOST',
    default: '127.0.0.1',
    pattern: /^[A-Za-z0-9.:-]{1,253}$/,
    form: 'an address or host name',
    description: 'where the HTTP API listens; beyond loopback put TLS in front of it',
  },
  api_port: {
    type: 'integer',
    flag: '--api-port',
    env: 'WEB4_API_PORT',
    default: 4480,
    min: 0,
    max: 65_535,
    description: 'port of the HTTP API; 0 takes a free one, written to api.json in the data folder',
  },
  log_level: {
    type: 'choice',
    flag: '--log-level',
    env: 'WEB4_LOG_LEVEL',
    default: 'info',
    choices: LOG_LEVELS,
    description: 'least level that is written to stderr, as JSON lines',
  } as ChoiceOption<(typeof LOG_LEVELS)[number]>,
  verify_workers: {
    type: 'integer',
    flag: '--verify-workers',
    env: 'WEB4_VERIFY_WORKERS',
    default: 0,
    min: 0,
    max: 256,
    description: 'threads that check signatures; 0: one for each processor core',
  },
  store: {
    type: 'choice',
    flag: '--store',
    env: 'WEB4_STORE',
    default: 'level',
    choices: STORES,
    description: 'where logs and state are kept; memory forgets everything at the end, for tests',
  } as ChoiceOption<(typeof STORES)[number]>,
  range_fetch: {
    type: 'switch',
    flag: '--range-fetch',
    env: 'WEB4_RANGE_FETCH',
    default: true,
    description: 'ask peers for entries that gossip did not bring; off only to test gossip alone',
  },
  score_params: {
    type: 'choice',
    flag: '--score-params',
    env: 'WEB4_SCORE_PARAMS',
    default: 'federation',
    choices: SCORES,
    description:
      "peer score parameters: the federation's, or the library's defaults, which cut off nodes that share an IP",
  } as ChoiceOption<(typeof SCORES)[number]>,
  group_ms: {
    type: 'integer',
    flag: '--group-ms',
    env: 'WEB4_GROUP_MS',
    default: 5,
    min: 0,
    max: 1_000,
    description: 'longest wait in milliseconds for more records before a group is committed',
  },
  consent: {
    type: 'choice',
    flag: '--consent',
    env: 'WEB4_CONSENT',
    default: 'none',
    choices: CONSENTS,
    description:
      'charters that name this node as witness: consent to all of them, or only where the policy says witness',
  } as ChoiceOption<(typeof CONSENTS)[number]>,
  status_ms: {
    type: 'integer',
    flag: '--status-ms',
    env: 'WEB4_STATUS_MS',
    default: 5_000,
    min: 100,
    max: 60_000,
    description: 'about how often peers are asked how far they hold each log, in milliseconds',
  },
  audit_minutes: {
    type: 'integer',
    flag: '--audit-minutes',
    env: 'WEB4_AUDIT_MINUTES',
    // A million accounts take some 30 s of one core, in small steps; a disk that changed something is found the same hour.
    default: 60,
    min: 0,
    max: 1_440,
    description: 'minutes from one audit of the books of all logs to the next; 0: only `web4 log audit`',
  },
  decay_sweep: {
    type: 'switch',
    flag: '--decay-sweep',
    env: 'WEB4_DECAY_SWEEP',
    default: true,
    description: 'bring decay into the books of the own log once in each of its intervals; off: only `web4 atp sweep`',
  },
  sweep_minimum: {
    type: 'text',
    flag: '--sweep-minimum',
    env: 'WEB4_SWEEP_MINIMUM',
    // A million accounts named every day are 110 MB of log a day.
    default: '0.01',
    pattern: /^\d{1,9}(?:\.\d{1,6})?$/,
    form: 'ATP with at most six decimal places',
    description:
      'least loss in ATP for which that names an account; smaller ones are booked when they have grown or the account moves',
  },
  public_witnesses: {
    type: 'path',
    flag: '--public-witnesses',
    env: 'WEB4_PUBLIC_WITNESSES',
    default: '',
    description:
      'JSON file with C2SP witnesses that are shown the own log: [{"key": verifier key, "url": …}]; shown, never counted',
  },
  tlog_witness: {
    type: 'path',
    flag: '--tlog-witness',
    env: 'WEB4_TLOG_WITNESS',
    default: '',
    description: 'be a C2SP witness for the logs in this JSON file: [{"origin": …, "key": verifier key}]; empty: off',
  },
  tlog_witness_name: {
    type: 'text',
    flag: '--tlog-witness-name',
    env: 'WEB4_TLOG_WITNESS_NAME',
    default: '',
    pattern: /^(?!web4\/witness\/)[^\s+\p{Cc}]{0,255}$/u,
    form: 'up to 255 characters without space or +, not below web4/witness/',
    description: 'key name of that witness, best a URL without scheme; empty: web4/public-witness/ and its key',
  },
  passphrase_file: {
    type: 'path',
    flag: '--passphrase-file',
    env: 'WEB4_PASSPHRASE_FILE',
    default: '',
    description: 'file whose first line opens the key files; empty: environment or prompt',
  },
  passphrase: {
    type: 'text',
    env: 'WEB4_PASSPHRASE',
    default: '',
    pattern: /^[^\r\n]*$/,
    form: 'one line',
    secret: true,
    description: 'opens the key files; only from the environment',
  },
} as const satisfies Record<string, Option>

export type OptionName = keyof typeof options

type Widen<Value> = Value extends boolean
  ? boolean
  : Value extends number
    ? number
    : Value extends readonly unknown[]
      ? readonly string[]
      : string
type ValueOf<O extends Option> = O extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : Widen<O['default']>

export type Config = { readonly [Name in OptionName]: ValueOf<(typeof options)[Name]> }

/** Variables that start with WEB4_ and are not options of a node. */
export const otherVariables = {
  WEB4_URL: 'where the commands of `web4` find the API of a node, instead of api.json in the data folder',
  WEB4_TOKEN: "the operator's token, instead of operator.token in the data folder",
} as const
