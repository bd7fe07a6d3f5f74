import { spawnSync } from 'node:child_process'

/** Machines in one: network namespaces with an address each, on one bridge. Linux, root and iproute2 only. */

export interface Namespaces {
  /** What starts a command in the namespace of this number. */
  enter(index: number): readonly string[]
  address(index: number): string
  remove(): void
}

/** A network that nobody routes (RFC 2544, for tests between devices). */
const NETWORK = '198.18.44'

/** Why there can be none here; undefined: they can be made. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are of Linux'
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const probe = `w4probe${process.pid}`
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'ip netns does not work here'
  ip('netns', 'del', probe)
  return undefined
}

export function makeNamespaces(count: number): Namespaces {
  const prefix = `w4t${process.pid}`
  const hub = `${prefix}-hub`
  const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`)
  const remove = () => {
    for (const name of [hub, ...names]) spawnSync('ip', ['netns', 'del', name])
  }
  try {
    ip('netns', 'add', hub)
    ip('-n', hub, 'link', 'add', 'bridge', 'type', 'bridge')
    ip('-n', hub, 'link', 'set', 'bridge', 'up')
    for (const [index, name] of names.entries()) {
      ip('netns', 'add', name)
      ip('-n', hub, 'link', 'add', `port${index}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      ip('-n', hub, 'link', 'set', `port${index}`, 'master', 'bridge', 'up')
      ip('-n', name, 'address', 'add', `${NETWORK}.${index + 1}/24`, 'dev', 'eth0')
      ip('-n', name, 'link', 'set', 'eth0', 'up')
      ip('-n', name, 'link', 'set', 'lo', 'up')
    }
  } catch (error) {
    remove()
    throw error
  }
  return {
    enter: index => ['ip', 'netns', 'exec', names[index] ?? ''],
    address: index => `${NETWORK}.${index + 1}`,
    remove,
  }
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}
