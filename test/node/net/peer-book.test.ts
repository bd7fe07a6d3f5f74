import assert from 'node:assert/strict'
import { peerIdFromString } from '@libp2p/peer-id'
import { sha256 } from '../../../node/crypto/sodium.ts'
import { dhtKey } from '../../../node/net/dht.ts'
import { transportKey } from '../../../node/net/host.ts'
import { BOOK_LIMITS } from '../../../node/net/limits.ts'
import { createPeerBook } from '../../../node/net/peer-book.ts'
import { utf8Encode } from '../../../src/canonical.ts'
import type { PeerId } from '../../../src/driver/net.ts'
import { manualClock } from '../../support/manual-clock.ts'

const peerOf = async (name: string) => (await transportKey(sha256(utf8Encode(name)))).peer
const keyOf = (name: string) => dhtKey(sha256, 'test', name)
/** As the library's base32 writes it. */
const base32 = (bytes: Uint8Array) => {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    for (bits += 8; bits >= 5; bits -= 5) text += 'abcdefghijklmnopqrstuvwxyz234567'[(value >>> (bits - 5)) & 31]
    value &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + 'abcdefghijklmnopqrstuvwxyz234567'[(value << (5 - bits)) & 31]
}

async function setup() {
  const clock = manualClock()
  const self = await peerOf('self')
  const book = createPeerBook(self, clock)
  type Key = Parameters<typeof book.datastore.put>[0]
  // Of a key, nothing but its text is asked for.
  const key = (name: string) => ({ toString: () => name }) as unknown as Key
  const put = (name: string, value = Uint8Array.of(1)) => book.datastore.put(key(name), value)
  const know = (peer: PeerId, bytes = 100) => put(`/peers/${peerIdFromString(peer).toCID()}`, new Uint8Array(bytes))
  const provide = (name: string, peer: PeerId) => put(`/dht/provider/${base32(keyOf(name))}/${peer}`)
  const names = async (prefix: string) => {
    const found: string[] = []
    for await (const { key: name } of book.datastore.query({ prefix })) found.push(name.toString())
    return found
  }
  return { book, clock, key, know, names, provide, put, self }
}

describe('what is remembered of others', () => {
  it('names providers whose addresses are known, the newest first', async () => {
    const { book, know, names, provide } = await setup()
    const [a, b, c] = [await peerOf('a'), await peerOf('b'), await peerOf('c')]
    for (const peer of [a, b]) know(peer)
    for (const peer of [a, b, c]) provide('log', peer)
    assert.deepEqual(book.providersOf(keyOf('log')), [b, a])
    // The library asks the store, and fails as a whole for one whose addresses it does not find.
    assert.equal((await names(`/dht/provider/${base32(keyOf('log'))}`)).length, 2)
    provide('log', a)
    assert.deepEqual(book.providersOf(keyOf('log')), [a, b])
    assert.deepEqual(book.providersOf(keyOf('other')), [])
  })

  it('forgets a provider after three hours', async () => {
    const { book, clock, know, provide } = await setup()
    const peer = await peerOf('a')
    know(peer)
    provide('log', peer)
    clock.advance(BOOK_LIMITS.providerValidityMs)
    assert.deepEqual(book.providersOf(keyOf('log')), [peer])
    clock.advance(1)
    assert.deepEqual(book.providersOf(keyOf('log')), [])
    assert.equal(book.counts.providers, 0)
  })

  it('keeps 20 providers of a log, and its own word among them', async () => {
    const { book, know, provide, self } = await setup()
    know(self)
    provide('log', self)
    const peers: PeerId[] = []
    for (let index = 0; index < 30; index++) {
      const peer = await peerOf(`p${index}`)
      peers.unshift(peer)
      know(peer)
      provide('log', peer)
    }
    assert.deepEqual(book.providersOf(keyOf('log')), [...peers.slice(0, 19), self])
  })

  it('keeps 256 logs of a peer', async () => {
    const { book, know, provide } = await setup()
    const peer = await peerOf('a')
    know(peer)
    for (let index = 0; index < 300; index++) provide(`log ${index}`, peer)
    assert.equal(book.counts.providers, 256)
    assert.deepEqual(book.providersOf(keyOf('log 43')), [])
    assert.deepEqual(book.providersOf(keyOf('log 44')), [peer])
  })

  it('when it is full, takes from the peer that has most', async () => {
    const { book, know, provide } = await setup()
    const honest = await peerOf('honest')
    know(honest)
    provide('log', honest)
    const perPeer = BOOK_LIMITS.keysOfPeer
    for (let index = 0; index <= BOOK_LIMITS.providers / perPeer; index++) {
      const peer = await peerOf(`p${index}`)
      know(peer)
      for (let count = 0; count < perPeer; count++) provide(`log ${index} ${count}`, peer)
    }
    assert.equal(book.counts.providers, BOOK_LIMITS.providers)
    assert.deepEqual(book.providersOf(keyOf('log')), [honest])
  })

  it('keeps 2 048 peers, those last that were used last, and always its own entry', async () => {
    const { book, key, know, self } = await setup()
    const used = await peerOf('used')
    const name = `/peers/${peerIdFromString(used).toCID()}`
    know(self)
    know(used)
    const peers: PeerId[] = []
    for (let index = 0; index < BOOK_LIMITS.peers + 10; index++) {
      const peer = await peerOf(`p${index}`)
      peers.push(peer)
      know(peer)
      assert.equal(await book.datastore.has(key(name)), true)
    }
    assert.equal(book.counts.peers, BOOK_LIMITS.peers)
    assert.equal(await book.datastore.has(key(`/peers/${peerIdFromString(self).toCID()}`)), true)
    assert.equal(await book.datastore.has(key(`/peers/${peerIdFromString(peers[0] ?? '').toCID()}`)), false)
  })

  it('refuses what is too large, what is no name of its own, and values', async () => {
    const { book, know, names, put } = await setup()
    const peer = await peerOf('a')
    assert.throws(() => know(peer, BOOK_LIMITS.peerBytes + 1), /not kept/)
    know(peer, BOOK_LIMITS.peerBytes)
    for (const name of [
      '/dht/record/abc',
      `/dht/provider/${'a'.repeat(55)}/${peer}`,
      `/dht/provider/${base32(keyOf('log'))}aa/${peer}`,
      `/dht/provider/${base32(keyOf('log'))}/${'1'.repeat(129)}`,
      `/peers/${'a'.repeat(129)}`,
      '/other',
    ])
      assert.throws(() => put(name), /not kept/)
    assert.deepEqual((await names('/')).length, 1)
    assert.deepEqual(book.counts, { peers: 1, providers: 0 })
  })
})
