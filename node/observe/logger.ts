import { type DestinationStream, destination, type Logger as Pino, pino } from 'pino'

/** What may stand beside a message. Errors go under `error`; secrets are cut by name, see below. */
type LogFacts = Readonly<Record<string, unknown>>

export interface Logger {
  debug(message: string, facts?: LogFacts): void
  info(message: string, facts?: LogFacts): void
  warn(message: string, facts?: LogFacts): void
  error(message: string, facts?: LogFacts): void
  /** The same log with the name of a part on each line. */
  child(module: string): Logger
}

type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Cut wherever they stand as a fact or one level inside one. The last line of defence: nobody should log them at all. */
const SECRETS = ['passphrase', 'token', 'authorization', 'secret', 'secretKey', 'privateKey', 'seed', 'salt']

export interface LoggerInit {
  readonly level: LogLevel
  /** Default: stderr, since stdout belongs to the answers of commands. */
  readonly destination?: DestinationStream
}

/** JSON lines. Written at once, so that the last line before an end is not lost. */
export function createLogger({ level, destination: to = destination({ fd: 2, sync: true }) }: LoggerInit): Logger {
  const log = pino(
    {
      level,
      base: null,
      messageKey: 'message',
      errorKey: 'error',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      redact: { paths: SECRETS.flatMap(name => [name, `*.${name}`]), censor: '[cut]' },
    },
    to,
  )
  return wrap(log)
}

function wrap(log: Pino): Logger {
  return {
    debug: (message, facts) => log.debug(facts ?? {}, message),
    info: (message, facts) => log.info(facts ?? {}, message),
    warn: (message, facts) => log.warn(facts ?? {}, message),
    error: (message, facts) => log.error(facts ?? {}, message),
    child: module => wrap(log.child({ module })),
  }
}

const nothing = () => {}

/** Says nothing, for tests and for parts that nobody gave a logger. */
export const nullLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => nullLogger,
}
