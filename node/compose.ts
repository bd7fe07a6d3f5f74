import { join } from 'node:path'
import { Federation, type FederationOptions } from '../src/driver/federation.ts'
import type { Clock, Random, Store, Verifier } from '../src/ports.ts'
import type { DecideContext } from '../src/records/types.ts'
import { createMemoryStore } from '../src/store/memory.ts'
import { parseAtp, SECOND_MS } from '../src/units.ts'
import { createApiServer } from './api/server.ts'
import { operatorToken } from './api/token.ts'
import { createOutward, openOutside } from './c2sp/outward.ts'
import type { Config } from './config/options.ts'
import { sha256, systemClock, systemRandom, verifySync } from './crypto/sodium.ts'
import { type NodeKeys, openNodeKeys } from './data-folder.ts'
import { resolvePassphrase } from './keys/passphrase.ts'
import { createNet, type NetOptions } from './net/net.ts'
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

const MINUTE_MS = 60 * SECOND_MS

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
  const passphrase = once(() => passphraseOf(config))
  const keys = components.keys ?? (await openNodeKeys(config.dir, passphrase, { observer }))
  const outside = await openOutside(config, passphrase)
  const token = components.api === false ? '' : await operatorToken(config.dir)
  const pool = components.verifier === undefined ? await startPool(config) : undefined
  const context: DecideContext = { sha256, verifySignature: verifySync }
  const metrics = createMetrics({ process: components.api !== false })
  const verifier = countedVerifier(components.verifier ?? (pool as VerifierPool), metrics)
  const store = timedStore(components.store ?? (await openStore(config)), metrics)
  const rejected = new Map<string, number>()
  const events = watch({ logger, metrics, rejected, clock, emit: (type, data) => service.emit(type, data) })
  const outward = createOutward(outside, { store, clock, context, events, logger, node: () => federation })

  const net = await createNet(
    { ...(await networkOptions(config)), seed: keys.transportSeed },
    { clock, random, sha256, verifier, signer: keys.witness, currentSociety: () => federation.ownSociety },
  )
  const federation: Federation = new Federation(
    federationOptions(config),
    {
      store,
      clock,
      random,
      net,
      verifier,
      context,
      witnessSigner: keys.witness,
      ...(keys.society === undefined ? {} : { societyKeys: keys.society }),
    },
    outward.events,
  )
  const desk = new RecordDesk(federation)
  const operator = new Operator({
    node: federation,
    net,
    desk,
    ring: keys.society,
    entityRef: keys.entityRef,
    sweep: { isScheduled: config.decay_sweep, minimum: parseAtp(config.sweep_minimum) ?? 0 },
    logger,
  })
  const service: WebNode = new WebNode({
    node: federation,
    net,
    desk,
    operator,
    outward,
    version,
    rejected,
    metricsText: async () => {
      await operator.decay.show(metrics.decay)
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
          { service, token, logger: logger.child('api'), version, others: outward.routes },
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
      outward.publicWitnesses.poke()
      const url = (await api?.start())?.url ?? ''
      logger.info('node started', { api: url, addresses: net.addresses(), society: federation.ownSociety })
      return { apiUrl: url, addresses: net.addresses() }
    },
    async stop() {
      if (!running) return
      running = false
      await api?.stop()
      await operator.stop()
      outward.publicWitnesses.stop()
      await federation.stop()
      await net.stop()
      await store.close()
      await pool?.close()
      logger.info('node stopped')
    },
  }
}

function federationOptions(config: Config): FederationOptions {
  return {
    groupMs: config.group_ms,
    rangeFetch: config.range_fetch,
    statusMs: config.status_ms,
    auditMs: config.audit_minutes * MINUTE_MS,
    syncFollowed: true,
    consent: config.consent,
  }
}

async function networkOptions(config: Config): Promise<Omit<NetOptions, 'seed'>> {
  return {
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
    scoreParams: config.score_params === 'library' ? 'library-default' : 'federation',
  }
}

function openStore(config: Config): Promise<Store> {
  return config.store === 'memory' ? Promise.resolve(createMemoryStore()) : openLevelStore(join(config.dir, 'db'))
}

async function startPool(config: Config): Promise<VerifierPool> {
  const pool = createVerifierPool(config.verify_workers === 0 ? {} : { workers: config.verify_workers })
  await pool.ready
  return pool
}

/** Nobody is asked twice. */
function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  return () => {
    answer ??= ask()
    return answer
  }
}

function passphraseOf(config: Config): Promise<string> {
  return resolvePassphrase({
    ...(config.passphrase_file === '' ? {} : { file: config.passphrase_file }),
    env: config.passphrase === '' ? {} : { WEB4_PASSPHRASE: config.passphrase },
    terminal: { stdin: process.stdin, stderr: process.stderr },
    question: `Passphrase of the keys in ${config.dir}: `,
  })
}
