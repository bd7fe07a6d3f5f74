import { type Import, importsOf } from './imports.ts'
import { type Finding, roomOf, type Tree } from './tree.ts'

/** Arrows point down: src ← protocols ← node. ARCHITECTURE.md says why; this file is what holds. */

/** What the pure core may take from outside: schemas, text encodings, and portable cryptography for its second verifier. */
const PACKAGES_OF_SRC = ['typebox', 'uint8arrays', '@noble/curves', '@noble/hashes']

/** Shapes and numbers of a protocol, without libp2p. */
const PURE_PROTOCOL = /^protocols\/(?:[a-z-]+\/(?:schema|constants)|json|rate-limit)\.ts$/
const SIM_MAY_LOAD = /^node\/(?:crypto\/.*|api\/(?:client|sign|token))\.ts$/
/** What a running node says about itself, and what the commands hand to the simulator. */
const SIM_MAY_NAME = /^node\/(?:service|api\/.*|cli\/commands\/(?:demo|sim))\.ts$/
const LOADS_SIM = /^node\/cli\/commands\/(?:atp-tune|demo|sim)\.ts$/

export function findWrongImports(tree: Tree): Finding[] {
  return tree.sources.flatMap(source =>
    importsOf(source).flatMap(each => {
      const text = refuse(source.path, each)
      return text === undefined ? [] : [{ file: source.path, line: each.line, text }]
    }),
  )
}

function refuse(path: string, { form, specifier, target }: Import): string | undefined {
  const room = roomOf(path)
  if (target === undefined) return refusePackage(path, room, form, specifier)
  if (target.startsWith('..')) return `${specifier} is outside of the project`
  if (allowed(path, room, form, target)) return undefined
  const late = form === 'late' ? ', not even later' : ''
  const type = form === 'type' ? ', not even for its types' : ''
  return `${room} may not import ${target}${late}${type}: ${RULES[room] ?? `${room} is no room that ARCHITECTURE.md knows`}`
}

const RULES: Record<string, string> = {
  src: 'src stands alone',
  protocols: 'protocols use src and each other',
  node: 'node uses src and protocols; only its commands demo, sim and atp tune load sim, by import()',
  sim: 'sim uses src, the pure halves of protocols, node/crypto, node/api/{client,sign,token}, and types of node/service',
}

function allowed(path: string, room: string, form: Import['form'], target: string): boolean {
  const to = roomOf(target)
  if (to === room || target === 'package.json') return true
  switch (room) {
    case 'test':
    case 'scripts':
      return true
    case 'protocols':
      return to === 'src'
    case 'node':
      return to === 'src' || to === 'protocols' || (to === 'sim' && form !== 'load' && LOADS_SIM.test(path))
    case 'sim':
      return (
        to === 'src' ||
        PURE_PROTOCOL.test(target) ||
        SIM_MAY_LOAD.test(target) ||
        (form === 'type' && SIM_MAY_NAME.test(target))
      )
    default:
      return false
  }
}

function refusePackage(path: string, room: string, form: Import['form'], specifier: string): string | undefined {
  const isBuiltin = specifier.startsWith('node:')
  if (room === 'src') {
    if (isBuiltin) return `src is pure: ${specifier} comes in through a port (src/ports.ts)`
    return PACKAGES_OF_SRC.some(name => specifier === name || specifier.startsWith(`${name}/`))
      ? undefined
      : `src takes nothing from ${specifier}; it may use ${PACKAGES_OF_SRC.join(', ')}`
  }
  if (PURE_PROTOCOL.test(path) && form === 'load' && !/^typebox(?:\/|$)/.test(specifier))
    return `the pure half of a protocol is used by sim, so it may not load ${specifier}`
  return undefined
}
