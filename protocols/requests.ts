import type { RequestName, Requests } from '../src/driver/net.ts'
import { cosign } from './cosign/cosign.ts'
import { countersign } from './countersign/countersign.ts'
import { entries } from './entries/entries.ts'
import { notice } from './notice/notice.ts'
import type { RequestProtocol } from './request.ts'
import { standing } from './standing/standing.ts'
import { status } from './status/status.ts'
import { submit } from './submit/submit.ts'

/** Every request protocol; a name without one does not compile. */
export const requestProtocols: {
  readonly [Name in RequestName]: RequestProtocol<Requests[Name]['request'], Requests[Name]['reply']>
} = { status, cosign, countersign, standing, submit, notice, entries }
