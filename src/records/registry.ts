import { checker } from '../ingest/schema-check.ts'
import type { Rejection } from '../rejection.ts'
import { atpChargeRules } from './atp-charge.ts'
import { atpDischargeRules } from './atp-discharge.ts'
import { atpMintRules } from './atp-mint.ts'
import { atpSlashRules } from './atp-slash.ts'
import { atpSweepRules } from './atp-sweep.ts'
import { atpTransferRules } from './atp-transfer.ts'
import { attestRules } from './attest.ts'
import { birthRules } from './birth.ts'
import { charterRules } from './charter.ts'
import { introduceRules } from './introduce.ts'
import { lawUpdateRules } from './law-update.ts'
import { lctReactivateRules } from './lct-reactivate.ts'
import { lctRevokeRules } from './lct-revoke.ts'
import { lctRotateRules } from './lct-rotate.ts'
import { lctSuspendRules } from './lct-suspend.ts'
import { peerBlockRules } from './peer-block.ts'
import { peerRecognizeRules } from './peer-recognize.ts'
import { resumeRules } from './resume.ts'
import { stateRules } from './state.ts'
import type { RecordRules } from './types.ts'

/** Every kind of protocol 1. A kind without its rules does not compile. */
export const RECORD_KINDS = [
  'charter',
  'law.update',
  'birth',
  'introduce',
  'lct.suspend',
  'lct.reactivate',
  'lct.revoke',
  'lct.rotate',
  'atp.mint',
  'atp.charge',
  'atp.transfer',
  'atp.discharge',
  'atp.slash',
  'atp.sweep',
  'attest',
  'peer.recognize',
  'peer.block',
  'state',
  'resume',
] as const
export type RecordKind = (typeof RECORD_KINDS)[number]

/** A kind's rules with its body schema compiled. Bodies are checked before any rule sees them, so the body type is safe to erase. */
export type LoadedRules = RecordRules & { readonly checkBody: (body: unknown) => Rejection | undefined }

function load<Kind extends RecordKind, Body>(rules: RecordRules<Kind, Body>): LoadedRules {
  return { ...(rules as unknown as RecordRules), checkBody: checker(rules.body) }
}

const build = (): { readonly [Kind in RecordKind]: LoadedRules } => ({
  charter: load(charterRules),
  'law.update': load(lawUpdateRules),
  birth: load(birthRules),
  introduce: load(introduceRules),
  'lct.suspend': load(lctSuspendRules),
  'lct.reactivate': load(lctReactivateRules),
  'lct.revoke': load(lctRevokeRules),
  'lct.rotate': load(lctRotateRules),
  'atp.mint': load(atpMintRules),
  'atp.charge': load(atpChargeRules),
  'atp.transfer': load(atpTransferRules),
  'atp.discharge': load(atpDischargeRules),
  'atp.slash': load(atpSlashRules),
  'atp.sweep': load(atpSweepRules),
  attest: load(attestRules),
  'peer.recognize': load(peerRecognizeRules),
  'peer.block': load(peerBlockRules),
  state: load(stateRules),
  resume: load(resumeRules),
})

// Built at first use: kinds that carry foreign entries open them through this table, so module order must not matter.
let registry: ReadonlyMap<string, LoadedRules> | undefined

export function rulesOf(kind: string): LoadedRules | undefined {
  registry ??= new Map(Object.entries(build()))
  return registry.get(kind)
}
