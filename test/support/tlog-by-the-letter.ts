import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'

/**
 * C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof, tlog-tiles and tlog-witness a second time, written from
 * the specifications and RFC 6962 alone: nothing of `src/` is used here, so that both can only agree by both being right.
 */
const sha = (...parts: readonly Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest()
const b64 = (text: string): Buffer => Buffer.from(text, 'base64')

export const letterLeaf = (entry: Uint8Array): Buffer => sha(Buffer.of(0), entry)
const pair = (left: Uint8Array, right: Uint8Array): Buffer => sha(Buffer.of(1), left, right)
/** The largest power of two below n. */
function splitOf(n: number): number {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}

/** MTH(D[n]) of RFC 6962, over leaf hashes. */
export function letterRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha()
  if (leaves.length === 1) return leaves[0] as Uint8Array
  const k = splitOf(leaves.length)
  return pair(letterRoot(leaves.slice(0, k)), letterRoot(leaves.slice(k)))
}

/** The root to which PATH(index, D[size]) leads, undefined when it has too few or too many hashes. */
export function letterInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  if (index >= size) return undefined
  if (size === 1) return path.length === 0 ? leaf : undefined
  const last = path.at(-1)
  if (last === undefined) return undefined
  const k = splitOf(size)
  const isLeft = index < k
  const below = isLeft
    ? letterInclusion(leaf, index, k, path.slice(0, -1))
    : letterInclusion(leaf, index - k, size - k, path.slice(0, -1))
  if (below === undefined) return undefined
  return isLeft ? pair(below, last) : pair(last, below)
}

interface Roots {
  readonly old: Uint8Array
  readonly now: Uint8Array
}

/** SUBPROOF(m, D[n], b) of RFC 6962 read backwards: both roots, undefined when a hash is missing or left over. */
function subproof(m: number, n: number, proof: readonly Uint8Array[], known?: Uint8Array): Roots | undefined {
  if (m === n) {
    if (known !== undefined) return proof.length === 0 ? { old: known, now: known } : undefined
    const [only] = proof
    return proof.length === 1 && only !== undefined ? { old: only, now: only } : undefined
  }
  const last = proof.at(-1)
  if (last === undefined) return undefined
  const k = splitOf(n)
  if (m <= k) {
    const left = subproof(m, k, proof.slice(0, -1), known)
    return left === undefined ? undefined : { old: left.old, now: pair(left.now, last) }
  }
  const right = subproof(m - k, n - k, proof.slice(0, -1))
  return right === undefined ? undefined : { old: pair(last, right.old), now: pair(last, right.now) }
}

export function letterConsistent(
  from: { readonly size: number; readonly root: Uint8Array },
  to: { readonly size: number; readonly root: Uint8Array },
  proof: readonly Uint8Array[],
): boolean {
  if (from.size > to.size) return false
  if (from.size === 0) return proof.length === 0
  const roots = subproof(from.size, to.size, proof, from.root)
  return roots !== undefined && Buffer.compare(roots.old, from.root) === 0 && Buffer.compare(roots.now, to.root) === 0
}

export interface LetterKey {
  readonly name: string
  readonly id: string
  readonly type: number
  readonly key: KeyObject
}

export function letterKey(vkey: string): LetterKey {
  const [name = '', id = '', ...rest] = vkey.trimEnd().split('+')
  const bytes = b64(rest.join('+'))
  const expected = sha(Buffer.from(name), Buffer.from('\n'), bytes).subarray(0, 4).toString('hex')
  if (expected !== id || bytes.length !== 33) throw new Error(`no key: ${vkey}`)
  const x = bytes.subarray(1).toString('base64url')
  return {
    name,
    id,
    type: bytes[0] ?? 0,
    key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
  }
}

export interface LetterNote {
  readonly text: string
  readonly origin: string
  readonly size: number
  readonly root: Buffer
  readonly lines: readonly { readonly name: string; readonly id: string; readonly signature: Buffer }[]
}

export function letterNote(note: string): LetterNote {
  const end = note.lastIndexOf('\n\n')
  const text = note.slice(0, end + 1)
  const [origin = '', size = '', root = ''] = text.split('\n')
  const lines = note
    .slice(end + 2)
    .split('\n')
    .slice(0, -1)
  return {
    text,
    origin,
    size: Number(size),
    root: b64(root),
    lines: lines.map(line => {
      const match = /^— (\S+) (\S+)$/.exec(line)
      if (match === null) throw new Error(`no signature line: ${line}`)
      const bytes = b64(match[2] ?? '')
      return { name: match[1] ?? '', id: bytes.subarray(0, 4).toString('hex'), signature: bytes.subarray(4) }
    }),
  }
}

/** Whether this key signed; for a cosigner the time in seconds, which is also true. */
export function letterSigned(note: LetterNote, { id, key, name, type }: LetterKey): boolean | number {
  const line = note.lines.find(each => each.name === name && each.id === id)
  if (line === undefined) return false
  if (type === 1) return verify(null, Buffer.from(note.text), key, line.signature)
  const time = line.signature.readBigUInt64BE()
  const message = Buffer.from(`cosignature/v1\ntime ${time}\n${note.text}`)
  return verify(null, message, key, line.signature.subarray(8)) && Number(time)
}

/** Entry, position and note of a tlog-proof whose inclusion proof holds; the extra data is taken to be the entry. */
export function letterProof(proof: string): {
  readonly entry: Buffer
  readonly index: number
  readonly note: LetterNote
} {
  const end = proof.indexOf('\n\n')
  const [header, extra = '', index = '', ...path] = proof.slice(0, end).split('\n')
  if (header !== 'c2sp.org/tlog-proof@v1' || !extra.startsWith('extra ') || !index.startsWith('index '))
    throw new Error('no tlog-proof')
  const entry = b64(extra.slice(6))
  const note = letterNote(proof.slice(end + 2))
  const position = Number(index.slice(6))
  const root = letterInclusion(letterLeaf(entry), position, note.size, path.map(b64))
  if (root === undefined || Buffer.compare(root, note.root) !== 0) throw new Error('the path does not lead to the root')
  return { entry, index: position, note }
}

/** Entries of a tlog-tiles bundle. */
export function letterEntries(bundle: Buffer): Buffer[] {
  const entries: Buffer[] = []
  for (let at = 0; at < bundle.length; ) {
    const length = bundle.readUInt16BE(at)
    entries.push(bundle.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return entries
}

/** Path of tile n of a level (or "entries"), for a tree that has `count` nodes in that level. */
export function letterTile(level: number | string, n: number, count: number): string {
  const groups =
    String(n)
      .padStart(Math.ceil(String(n).length / 3) * 3, '0')
      .match(/.../g) ?? []
  const name = groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join('/')
  const width = Math.min(256, count - n * 256)
  return `tile/${level}/${name}${width === 256 ? '' : `.p/${width}`}`
}

/** A witness by the letter, to be put behind any server: `answer` gives status and body of one add-checkpoint. */
export class LetterWitness {
  readonly vkey: string
  readonly logs = new Map<string, { size: number; root: Buffer; readonly key: LetterKey }>()
  readonly #name: string
  readonly #id: Buffer
  readonly #private: KeyObject
  /** Seconds. */
  readonly #now: () => number

  constructor(name: string, seed: Uint8Array, now: () => number) {
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
    this.#private = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    const { x } = createPublicKey(this.#private).export({ format: 'jwk' })
    const raw = Buffer.concat([Buffer.of(4), Buffer.from(x ?? '', 'base64url')])
    this.#name = name
    this.#id = sha(Buffer.from(`${name}\n`), raw).subarray(0, 4)
    this.#now = now
    this.vkey = `${name}+${this.#id.toString('hex')}+${raw.toString('base64')}`
  }

  knows(vkey: string): void {
    const key = letterKey(vkey)
    this.logs.set(key.name, { size: 0, root: sha(), key })
  }

  answer(body: string): { readonly status: number; readonly body: string; readonly type?: string } {
    const end = body.indexOf('\n\n')
    const [old = '', ...proof] = body.slice(0, end).split('\n')
    const note = letterNote(body.slice(end + 2))
    const log = this.logs.get(note.origin)
    if (log === undefined) return { status: 404, body: 'unknown log\n' }
    if (letterSigned(note, log.key) !== true) return { status: 403, body: 'not signed\n' }
    const from = Number(old.slice('old '.length))
    if (from > note.size) return { status: 400, body: 'old size\n' }
    if (from !== log.size) return { status: 409, body: `${log.size}\n`, type: 'text/x.tlog.size' }
    if (!letterConsistent(log, note, proof.map(b64))) return { status: 422, body: 'proof\n' }
    Object.assign(log, { size: note.size, root: note.root })
    return { status: 200, body: this.cosign(note.text) }
  }

  cosign(text: string): string {
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(BigInt(this.#now()))
    const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${this.#now()}\n${text}`), this.#private)
    return `— ${this.#name} ${Buffer.concat([this.#id, time, signature]).toString('base64')}\n`
  }
}
