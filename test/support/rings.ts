import { commitmentOf, type SocietyRing } from '../../node/keys/society-ring.ts'
import type { Signer, SocietyKeys } from '../../src/ports.ts'
import { CodedError } from '../../src/rejection.ts'
import type { HashText, KeyText } from '../../src/units.ts'
import { type Identity, identity } from './identity.ts'
import { keysOfSociety } from './society.ts'

/** The n-th society key of a test society: 0 is the charter's, 1 the one committed there. */
export function societyKey(slug: string, n: number): Identity {
  const { next, society } = keysOfSociety(slug)
  return [society, next][n] ?? identity(`${slug} next ${n}`)
}

export function keyRing(...signers: readonly Signer[]): SocietyKeys {
  return { held: signers.map(({ key }) => key), signerFor: key => signers.find(signer => signer.key === key) }
}

/** The charter's key and the five that follow it. */
export function longRing(slug: string): SocietyKeys {
  return keyRing(...[0, 1, 2, 3, 4, 5].map(n => societyKey(slug, n)))
}

/** Brings the n-th key of the society into force. */
export function rotationOf(slug: string, n: number): { readonly key: KeyText; readonly next: HashText } {
  return { key: societyKey(slug, n).key, next: commitmentOf(societyKey(slug, n + 1).key) }
}

/** What a node has in files, in memory. */
export function memoryRing(slug: string): SocietyRing {
  let newest = 0
  const signers = new Map<string, Signer>([[societyKey(slug, 0).key, societyKey(slug, 0)]])
  return {
    founding: { signer: societyKey(slug, 0), next: commitmentOf(societyKey(slug, 1).key) },
    get held() {
      return [...signers.keys()]
    },
    signerFor: key => signers.get(key),
    async prepare(next) {
      const coming = societyKey(slug, newest + 1)
      if (commitmentOf(coming.key) !== next) throw new CodedError('KEY_FILE', 'not what the log has committed to')
      signers.set(coming.key, coming)
      return { key: coming.key, next: commitmentOf(societyKey(slug, newest + 2).key) }
    },
    async abandon({ key }) {
      signers.delete(key)
    },
    async settle({ society }) {
      if (society === societyKey(slug, newest + 1).key) newest++
    },
  }
}
