import type { PeerId, PeerInfo } from '../../src/driver/net.ts'
import { fromBase64url, keyBytes, toBase64url } from '../../src/encoding.ts'
import type { Clock, Signer, Verifier } from '../../src/ports.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, ok, type Result } from '../../src/result.ts'
import type { SocietyId } from '../../src/units.ts'
import { STATEMENT_AGE_MS } from './constants.ts'
import { statementBytes, statementFrame } from './schema.ts'

/** A fresh statement of this node, as the frame that travels. */
export async function makeStatement(
  signer: Signer,
  claims: { readonly peer: PeerId; readonly society: SocietyId | ''; readonly time: number },
): Promise<Uint8Array> {
  const statement = { ...claims, key: signer.key }
  return statementFrame.encode({ ...statement, sig: toBase64url(await signer.sign(statementBytes(statement))) })
}

/** For whom the sender of this frame speaks. `peer`: the name that the transport authenticated. */
export async function checkStatement(
  frame: Uint8Array,
  peer: PeerId,
  { clock, verifier }: { readonly clock: Clock; readonly verifier: Verifier },
): Promise<Result<PeerInfo>> {
  const decoded = statementFrame.decode(frame)
  if (!decoded.ok) return decoded
  const statement = decoded.value
  if (statement.peer !== peer) return fail(rejection('NODE_STATEMENT', 'made for another peer'))
  if (Math.abs(clock.now() - statement.time) > STATEMENT_AGE_MS) return fail(rejection('NODE_STATEMENT', 'time'))
  const key = keyBytes(statement.key)
  const signature = fromBase64url(statement.sig, 64)
  if (key === undefined || signature === undefined) return fail(rejection('NODE_STATEMENT', 'key'))
  const [valid] = await verifier.verify([{ key, signature, message: statementBytes(statement) }])
  if (valid !== true) return fail(rejection('NODE_STATEMENT', 'signature'))
  return ok({ peer, society: statement.society, witnessKey: statement.key })
}
