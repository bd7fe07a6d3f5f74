import type { FastifyInstance } from 'fastify'
import { CheckpointWitness, type WatchedLog } from '../../src/driver/checkpoint-witness.ts'
import type { Federation, FederationEvents, FederationPorts } from '../../src/driver/federation.ts'
import { type PublicWitness, PublicWitnesses } from '../../src/driver/public-witnesses.ts'
import type { Signer } from '../../src/ports.ts'
import type { Config } from '../config/options.ts'
import { openPublicWitnessKey } from '../data-folder.ts'
import type { Logger } from '../observe/logger.ts'
import { readPublicWitnesses, readWatchedLogs } from './lists.ts'
import { postCheckpoint } from './post-checkpoint.ts'
import { PublishedLogs } from './published-logs.ts'
import { c2spRoutes } from './routes.ts'

/** What the operator wrote down about witnesses and logs elsewhere. */
interface Outside {
  readonly witnesses: readonly PublicWitness[]
  /** Absent: this node is no witness for other people's logs. */
  readonly watched?: { readonly logs: readonly WatchedLog[]; readonly name: string; readonly signer: Signer }
}

/** Read before anything is opened, so that a mistake in a file leaves nothing behind. */
export async function openOutside(config: Config, passphrase: () => Promise<string>): Promise<Outside> {
  const witnesses = await readPublicWitnesses(config.public_witnesses)
  if (config.tlog_witness === '') return { witnesses }
  const logs = await readWatchedLogs(config.tlog_witness)
  const signer = await openPublicWitnessKey(config.dir, passphrase)
  const name = config.tlog_witness_name === '' ? `web4/public-witness/${signer.key}` : config.tlog_witness_name
  return { witnesses, watched: { logs, name, signer } }
}

export interface Outward {
  readonly published: PublishedLogs
  readonly publicWitnesses: PublicWitnesses
  /** The federation's events, with those that make the own log worth showing again. */
  readonly events: FederationEvents
  readonly routes: (app: FastifyInstance) => Promise<void>
}

/** The C2SP side of a node: nothing of it is asked by the federation. */
export function createOutward(
  { watched, witnesses }: Outside,
  parts: Pick<FederationPorts, 'store' | 'clock' | 'context'> & {
    readonly logger: Logger
    readonly node: () => Federation
    readonly events: FederationEvents
  },
): Outward {
  const { events, node } = parts
  const logger = parts.logger.child('c2sp')
  const publicWitnesses = new PublicWitnesses(witnesses, {
    ...parts,
    post: postCheckpoint(),
    log: () => node().own?.log,
    rejected: error => events.rejected(error),
    fault: error => events.fault('public witness', error),
  })
  const published = new PublishedLogs(node, publicWitnesses)
  const witness =
    watched === undefined ? undefined : new CheckpointWitness(watched, { ...parts, signer: watched.signer })
  if (witness !== undefined) logger.info('public witness', { vkey: witness.vkey, logs: watched?.logs.length })
  return {
    published,
    publicWitnesses,
    events: {
      ...events,
      committed(log, from, to) {
        events.committed(log, from, to)
        publicWitnesses.poke()
      },
      final(log, before, now) {
        events.final(log, before, now)
        publicWitnesses.poke()
      },
    },
    routes: c2spRoutes({ logs: published, logger, ...(witness === undefined ? {} : { witness }) }),
  }
}
