import type { Handover, WitnessSet } from '../../src/log/finality.ts'
import { readState } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import type { Replay } from './replay.ts'

/** The finality set in force at the end of a log, and every one that was replaced before. */
export function handoversOf(replay: Replay): { readonly current: WitnessSet; readonly handovers: readonly Handover[] } {
  const handovers = replay.entries.flatMap(({ seq }) => {
    const replaced = readState.handover(replay, seq)
    return replaced === undefined ? [] : [{ seq, replaced }]
  })
  return { current: present(readState.law(replay)).finality, handovers }
}
