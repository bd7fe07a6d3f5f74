import { join } from 'node:path'
import { CheckpointWitness } from '../src/driver/checkpoint-witness.ts'
import { Federation, type FederationEvents, type FederationPorts } from '../src/driver/federation.ts'
import { PublicWitnesses } from '../src/driver/public-witnesses.ts'
import type { Clock, Random, Store, Verifier } from '../src/ports.ts'
import type { DecideContext } from '../src/records/types.ts'
import { createMemoryStore } from '../src/store/memory.ts'
import { createApiServer } from './api/server.ts'
import { operatorToken } from './api/token.ts'
import { readPublicWitnesses, readWatchedLogs } from './c2sp/lists.ts'
import { postCheckpoint } from './c2sp/post-checkpoint.ts'
import { PublishedLogs } from './c2sp/published-logs.ts'
import { c2spRoutes } from './c2sp/routes.ts'
import type { Config } from './config/options.ts'
import { sha256, systemClock, systemRandom, verifySync } from './crypto/sodium.ts'
import { type NodeKeys, openNodeKeys, openPublicWitnessKey } from './data-folder.ts'
import { resolvePassphrase } from './keys/passphrase.ts'
import { createNet } from './net/net.ts'
import { readNetworkKey } from './net/private-network.ts'
import { WebNode } from './node.ts'
import type { Logger } from './observe/logger.ts'
import { countedVerifier, timedStore } from './observe/measure.ts'
import { createMetrics, showStates } from './observe/metrics.ts'
import { watch } from './observe/watch.ts'
import { Operator } from './operator.ts'
import { RecordDesk } from './record-desk.ts'
import { openLevelStore } from './store/level.ts'
import { createVerifierPool, type VerifierPool } from './verify/pool.ts'
import { version } from './version.ts'

export interface NodeComponents {
  readonly logger: Logger
  /** Tests bring their own time, store, keys or verifier; a real node uses the machine's. */
  readonly clock?: Clock
  readonly random?: Random
  readonly store?: Store
  readonly keys?: NodeKeys
  readonly verifier?: Verifier
  /** Without an HTTP server (many nodes in one process). */
  readonly api?: false
  /** Without a society: no key of one is made or opened. */
  readonly observer?: boolean
}

export interface RunningNode {
  readonly service: WebNode
  readonly federation: Federation
  start(): Promise<{ readonly apiUrl: string; readonly addresses: readonly string[] }>
  stop(): Promise<void>
}

/** The only place where a node is put together; reads top to bottom as its start. */
export async function createNode(config: Config, components: NodeComponents): Promise<RunningNode> {
  const { logger } = components
  const clock = components.clock ?? systemClock
  const random = components.random ?? systemRandom
  const observer = components.observer === true
  const keys = components.keys ?? (await openNodeKeys(config.dir, () => passphraseOf(config), { observer }))
  const token = components.api === false ? '' : await operatorToken(config.dir)
  const pool = components.verifier === undefined ? await startPool(config) : undefined
  const context: DecideContext = { sha256, verifySignature: verifySync }
  const metrics = createMetrics({ process: components.api !== false })
  const verifier = countedVerifier(components.verifier ?? (pool as VerifierPool), metrics)
  const store = timedStore(components.store ?? (await openStore(config)), metrics)
  const rejected = new Map<string, number>()
  const events = watch({ logger, metrics, rejected, clock, emit: (type, data) => service.emit(type, data) })

  const net = await createNet(
    {
      federation: config.federation,
      listen: config.listen,
      peers: config.peers,
      dht: config.dht,
      addresses: config.addresses,
      mdns: config.mdns,
      connectionsMax: config.max_connections,
      allowed: config.allow,
      denied: config.deny,
      networkKey: config.network_key_file === '' ? undefined : await readNetworkKey(config.network_key_file),
      seed: keys.transportSeed,
      scoreParams: config.score_params === 'library' ? 'library-default' : 'federation',
    },
    { clock, random, sha256, verifier, signer: keys.witness, currentSociety: () => federation.ownSociety },
  )
  const federation: Federation = new Federation(
    {
      groupMs: config.group_ms,
      rangeFetch: config.range_fetch,
      statusMs: config.status_ms,
      syncFollowed: true,
      consent: config.consent,
    },
    { store, clock, random, net, verifier, context, witnessSigner: keys.witness, ...(keys.society === undefined ? {} : { societyKeys: keys.society }) },
    { ...events, ...pokedBy(events, () => publicWitnesses.poke()) },
  )
  const publicWitnesses = new PublicWitnesses(await readPublicWitnesses(config.public_witnesses), {
    store,
    clock,
    context,
    post: postCheckpoint(),
    log: () => federation.own?.log,
    rejected: error => events.rejected(error),
    fault: error => events.fault('public witness', error),
  })
  const published = new PublishedLogs(federation, publicWitnesses)
  const desk = new RecordDesk(federation)
  const operator = new Operator({
    node: federation,
    net,
    desk,
    ring: keys.society,
    entityRef: keys.entityRef,
  })
  const service: WebNode = new WebNode({
    node: federation,
    net,
    desk,
    operator,
    published,
    publicWitnesses,
    version,
    rejected,
    metricsText: () => {
      metrics.peers.set(net.peers().length)
      showStates(metrics, service.societies())
      return metrics.text()
    },
  })
  const api =
    components.api === false
      ? undefined
      : createApiServer(
          { host: config.api_host, port: config.api_port },
          {
            service,
            token,
            logger: logger.child('api'),
            version,
            others: c2spRoutes({
              logs: published,
              logger: logger.child('c2sp'),
              ...(await publicWitness(config, { store, clock, context, logger })),
            }),
          },
        )
  let running = false

  return {
    service,
    federation,
    async start() {
      running = true
      await federation.open()
      const inForce = federation.own?.log.replica.inForce
      if (inForce !== undefined) await keys.society?.settle(inForce.keys)
      await net.start(federation)
      federation.run()
      publicWitnesses.poke()
      const url = (await api?.start())?.url ?? ''
      logger.info('node started', { api: url, addresses: net.addresses(), society: federation.ownSociety })
      return { apiUrl: url, addresses: net.addresses() }
    },
    async stop() {
      if (!running) return
      running = false
      await api?.stop()
      operator.stop()
      publicWitnesses.stop()
      await federation.stop()
      await net.stop()
      await store.close()
      await pool?.close()
      logger.info('node stopped')
    },
  }
}

/** What makes the own log worth showing again. */
function pokedBy(events: FederationEvents, poke: () => void): Pick<FederationEvents, 'committed' | 'final'> {
  return {
    committed(log, from, to) {
      events.committed(log, from, to)
      poke()
    },
    final(log, before, now) {
      events.final(log, before, now)
      poke()
    },
  }
}

/** The witness for other people's logs, with a key of its own. Nothing when the operator did not turn it on. */
async function publicWitness(
  config: Config,
  ports: Pick<FederationPorts, 'store' | 'clock' | 'context'> & { readonly logger: Logger },
): Promise<{ readonly witness?: CheckpointWitness }> {
  if (config.tlog_witness === '') return {}
  const logs = await readWatchedLogs(config.tlog_witness)
  const signer = await openPublicWitnessKey(config.dir, () => passphraseOf(config))
  const name = config.tlog_witness_name === '' ? `web4/public-witness/${signer.key}` : config.tlog_witness_name
  const witness = new CheckpointWitness({ logs, name }, { ...ports, signer })
  ports.logger.info('public witness', { vkey: witness.vkey, logs: logs.length })
  return { witness }
}

function openStore(config: Config): Promise<Store> {
  return config.store === 'memory' ? Promise.resolve(createMemoryStore()) : openLevelStore(join(config.dir, 'db'))
}

async function startPool(config: Config): Promise<VerifierPool> {
  const pool = createVerifierPool(config.verify_workers === 0 ? {} : { workers: config.verify_workers })
  await pool.ready
  return pool
}

function passphraseOf(config: Config): Promise<string> {
  return resolvePassphrase({
    ...(config.passphrase_file === '' ? {} : { file: config.passphrase_file }),
    env: config.passphrase === '' ? {} : { WEB4_PASSPHRASE: config.passphrase },
    terminal: { stdin: process.stdin, stderr: process.stderr },
    question: `Passphrase of the keys in ${config.dir}: `,
  })
}
