import type { VectorFiles } from './file.ts'
import { namedLogs } from './logs.ts'
import { RecordCases } from './record-file.ts'
import { atpCases } from './records-atp.ts'
import { attestCases } from './records-attest.ts'
import { envelopeVectors } from './records-envelope.ts'
import { lawCases } from './records-law.ts'
import { lifeCases } from './records-life.ts'
import { relationCases } from './records-relations.ts'
import { resumeCases } from './records-resume.ts'
import { stateCases } from './records-state.ts'

export function recordVectors(): VectorFiles {
  const cases = new RecordCases(namedLogs())
  lawCases(cases)
  lifeCases(cases)
  relationCases(cases)
  atpCases(cases)
  attestCases(cases)
  resumeCases(cases)
  stateCases(cases)
  return { ...cases.files(), ...envelopeVectors() }
}
