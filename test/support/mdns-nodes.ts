import { startNode, type TestNode, testNode } from './net.ts'
import { until } from './until.ts'

/**
 * Four nodes of two federations that know of nobody, to be run where multicast reaches nobody else. Writes whom each has
 * found, as JSON.
 */
const nodes: TestNode[] = []
for (const [name, federation] of [
  ['one', 'mdns-one'],
  ['other', 'mdns-other'],
  ['two', 'mdns-one'],
  ['others', 'mdns-other'],
] as const) {
  const node = await testNode(name, { federation, mdns: true })
  nodes.push(node)
  await startNode(node)
}
await until('everybody found somebody', () => nodes.every(node => node.opened.length > 0), 20_000)
const found = nodes.map(node => ({
  self: node.net.self,
  opened: node.opened.map(({ peer }) => ({ peer, by: node.net.foundBy(peer) })),
}))
await Promise.all(nodes.map(node => node.net.stop()))
process.stdout.write(JSON.stringify(found))
