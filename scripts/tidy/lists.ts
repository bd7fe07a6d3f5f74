/** Exceptions, each with its reason. An entry that is no longer needed is a finding itself. */
export interface Lists {
  /** Files above 300 lines. */
  readonly longFiles: Readonly<Record<string, string>>
  /** Files in test/ that are no tests and stand beside the ones that use them. */
  readonly testHelpers: Readonly<Record<string, string>>
  /** Codes that no test can get. */
  readonly untestedCodes: Readonly<Record<string, string>>
}

export const lists: Lists = {
  longFiles: {
    'src/driver/federation.ts': 'one node among its peers: what the network brings is handed on in one place',
    'src/rejection.ts': 'every reason to refuse something, in one table',
    'src/driver/replica.ts': 'the one place that changes a log: entries, tree and state move together',
    'test/node/cli.test.ts': 'one section for each command, against one fake service',
    'test/node/api.test.ts': 'one section for each part of the API, on one server',
  },
  testHelpers: {
    'test/crypto/crashing-worker.ts': 'a verifier thread that fails in the middle',
    'test/crypto/dying-worker.ts': 'a verifier thread that ends at once',
    'test/crypto/failing-worker.ts': 'a verifier thread whose self-test fails',
    'test/crypto/verifiers.ts': 'the backends that must agree',
    'test/log/fixtures.ts': 'trees and notes, and RFC 6962 by the letter',
    'test/log/fork-fixtures.ts': 'logs with two histories',
  },
  untestedCodes: {},
}
