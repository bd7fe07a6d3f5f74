import type { Federation } from './federation.ts'
import type { Issuer } from './issue.ts'
import type { Snapshot } from './snapshots.ts'

/**
 * From now on the own log is told what its state was at each snapshot, once the digest is computed: one `state` record for each
 * size. What was said stands in the log itself, so a restart says nothing twice. Size 0 needs no word: everybody knows the empty state.
 */
export function claimStates(node: Federation, issuer: Issuer): void {
  let busy = false
  node.onOwnChange(() => {
    const next = unclaimed(node)
    if (busy || next === undefined || node.sequencerBarrier() !== undefined) return
    busy = true
    claim(node, issuer, next)
      .catch(error => node.events.fault('state claim', error))
      .finally(() => {
        busy = false
      })
  })
}

function unclaimed(node: Federation): Snapshot | undefined {
  const all = node.own?.log.snapshots.all ?? []
  return all.find(({ claim, own, size }) => size > 0 && own !== undefined && claim === undefined)
}

/** What is refused is tried again when something changes: the barrier, the log, a peer's status. */
async function claim(node: Federation, issuer: Issuer, { own, size }: Snapshot): Promise<void> {
  if (own === undefined) return
  const issued = await issuer.issue('state', { digest: own.digest, size })
  if (!issued.ok) node.events.rejected(issued.error)
}
