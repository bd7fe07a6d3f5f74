/**
 * Every reason to refuse something, in one table. Codes are never renamed or reused: they are metric labels, API answers
 * and part of the test vectors. `class` says what happens to the bytes:
 * - `reject`: malformed or forged, judged from the bytes alone; a peer that relays it loses score;
 * - `void`: an entry that breaks a rule of the log's own state; it changes nothing and witnesses stop there;
 * - `ignore`: cannot be used here or now; says nothing about who sent it;
 * - `refuse`: an answer to a request (local API or stream), never a verdict on gossip.
 * `transient` tells a sender that the same bytes may succeed later. `http` and `w4` are the outward forms (RFC 9457).
 * The order within a class is the order of precedence when several apply.
 */
interface CodeFacts {
  readonly class: 'reject' | 'void' | 'ignore' | 'refuse'
  readonly transient: boolean
  readonly http: number
  readonly w4: string
  readonly doc: string
}

const reject = (http: number, w4: string, doc: string): CodeFacts => ({
  class: 'reject',
  transient: false,
  http,
  w4: `W4_ERR_${w4}`,
  doc,
})
const voids = (http: number, w4: string, doc: string): CodeFacts => ({
  class: 'void',
  transient: false,
  http,
  w4: `W4_ERR_${w4}`,
  doc,
})
const ignore = (http: number, w4: string, doc: string): CodeFacts => ({
  class: 'ignore',
  transient: true,
  http,
  w4: `W4_ERR_${w4}`,
  doc,
})
const refuse = (http: number, w4: string, doc: string, transient = false): CodeFacts => ({
  class: 'refuse',
  transient,
  http,
  w4: `W4_ERR_${w4}`,
  doc,
})

export const codes = {
  // bytes
  FORMAT_TOO_LARGE: reject(413, 'PROTO_FORMAT', 'more bytes than the limit of its kind'),
  FORMAT_UTF8: reject(400, 'PROTO_FORMAT', 'not valid UTF-8'),
  FORMAT_JSON: reject(400, 'PROTO_FORMAT', 'not JSON, or cut off'),
  FORMAT_DEPTH: reject(400, 'PROTO_FORMAT', 'nested deeper than 16'),
  FORMAT_DUPLICATE_KEY: reject(400, 'PROTO_FORMAT', 'an object names a member twice'),
  FORMAT_FLOAT: reject(400, 'PROTO_FORMAT', 'a number that is not written as an integer'),
  FORMAT_INTEGER_RANGE: reject(400, 'PROTO_FORMAT', 'an integer outside ±(2^53−1)'),
  FORMAT_KEY: reject(400, 'PROTO_FORMAT', 'a member name outside [a-z][a-z0-9_]*'),
  FORMAT_STRING: reject(400, 'PROTO_FORMAT', 'a lone surrogate'),
  FORMAT_NOT_CANONICAL: reject(400, 'PROTO_FORMAT', 'does not re-encode to the bytes received'),
  FORMAT_UNKNOWN_FIELD: reject(400, 'PROTO_FORMAT', 'a member that the schema does not know'),
  FORMAT_SCHEMA: reject(400, 'PROTO_FORMAT', 'a member is missing or has the wrong type or form'),
  FORMAT_ENCODING: reject(
    400,
    'PROTO_FORMAT',
    'base64url, base58 or base32 text that is not canonical or has the wrong length',
  ),
  AMOUNT_NOT_POSITIVE: reject(400, 'PROTO_FORMAT', 'an amount below 1'),
  // signatures
  SIGNATURE_COUNT: reject(400, 'WITNESS_QUORUM', 'not the number of signatures that the kind asks for'),
  SIGNATURE_ORDER: reject(400, 'PROTO_FORMAT', 'signatures not sorted by key'),
  SIGNATURE_DUPLICATE: reject(400, 'WITNESS_INVALID', 'one key signs twice'),
  SIGNATURE_KEY: reject(400, 'CRYPTO_KEY', 'a key that the signature rule forbids'),
  SIGNATURE_LENGTH: reject(400, 'CRYPTO_VERIFY', 'a signature that has not 64 bytes'),
  SIGNATURE_BATCH: reject(400, 'CRYPTO_VERIFY', 'a batch path that does not fit index and size'),
  SIGNATURE_PURPOSE: reject(401, 'CRYPTO_VERIFY', 'valid, but for another purpose'),
  SIGNATURE_INVALID: reject(401, 'CRYPTO_VERIFY', 'fails under the key that it names'),
  PROOF_OF_POSSESSION_MISSING: reject(401, 'BINDING_PROOF_FAIL', "the subject's own key did not sign its birth"),
  CHARTER_SIGNATURES: reject(
    400,
    'WITNESS_QUORUM',
    'not exactly society key, witness key and every named witness signed the charter',
  ),
  CHARTER_ID: reject(400, 'BINDING_INVALID', 'the charter does not hash to the society id'),
  // protocol level
  UNKNOWN_KIND: ignore(
    400,
    'PROTO_VERSION',
    'a record kind or version that this software does not know: update needed',
  ),
  UNKNOWN_PROTOCOL: ignore(400, 'PROTO_VERSION', 'a law with a protocol number above this software: update needed'),
  CONSERVATION: ignore(
    500,
    'PROTO_SEQUENCE',
    'the books would not balance: this software or its disk is at fault, not the entry',
  ),
  // entry against log
  ENTRY_OUT_OF_ORDER: ignore(409, 'PROTO_SEQUENCE', 'not the next entry of its log'),
  WRONG_SOCIETY: voids(400, 'BINDING_INVALID', 'meant for another log'),
  CHARTER_TWICE: voids(409, 'BINDING_EXISTS', 'a charter anywhere but at 0, or something else there'),
  STALE: voids(400, 'PROTO_REPLAY', 'record.time is too far from entry.time'),
  ENTRY_TIME_BACKWARDS: voids(400, 'PROTO_SEQUENCE', 'older than the entry before it'),
  REPLAYED: voids(409, 'PROTO_REPLAY', 'n is not above the last n of this author and lane'),
  AUTHOR_UNKNOWN: voids(403, 'BINDING_INVALID', 'no such author in this log'),
  AUTHOR_INACTIVE: voids(403, 'BINDING_REVOKED', 'the author is suspended or revoked'),
  AUTHOR_FORBIDDEN: voids(403, 'AUTHZ_SCOPE', 'this author may not issue this kind'),
  SIGNER_WRONG: voids(401, 'AUTHZ_DENIED', 'not exactly the keys that the log asks for signed'),
  // law
  LAW_NUMBER: voids(409, 'LAW_CONFLICT', 'does not name the law in force'),
  LAW_PROTOCOL_FALLS: voids(400, 'PROTO_DOWNGRADE', 'a lower protocol number than the law in force'),
  LAW_QUORUM: voids(400, 'LAW_CONFLICT', '2q ≤ n, q > n, more than 15 witnesses, or a key of the society among them'),
  LAW_VALUES: voids(400, 'LAW_CONFLICT', 'a rate, period or ceiling outside its bounds'),
  LAW_NEXT_KEY: voids(401, 'AUTHZ_DENIED', 'the new society key is not the one committed as next'),
  // birth and life cycle
  BIRTH_WITNESS_TWICE: reject(400, 'WITNESS_INVALID', 'one witness more than once'),
  BIRTH_WITNESS_SUBJECT: voids(400, 'WITNESS_INVALID', 'the subject cannot witness its own birth'),
  BIRTH_WITNESS_COUNT: voids(409, 'WITNESS_QUORUM', 'not exactly the birth quorum of witnesses'),
  BIRTH_WITNESS_UNQUALIFIED: voids(
    403,
    'WITNESS_REJECTED',
    'a witness that the law does not list or that no recognised society names',
  ),
  BIRTH_WITNESS_SOCIETIES: voids(409, 'WITNESS_QUORUM', 'witnesses of fewer than two other societies'),
  KEY_TAKEN: voids(409, 'BINDING_EXISTS', 'the key is or was in an LCT of this log'),
  ENTITY_TAKEN: voids(409, 'BINDING_EXISTS', 'the entity has an LCT that is not revoked'),
  LINEAGE: voids(400, 'BINDING_INVALID', "lineage is not exactly the entity's revoked LCTs"),
  LCT_UNKNOWN: voids(404, 'BINDING_INVALID', 'no such LCT in this log'),
  LCT_STATUS: voids(409, 'BINDING_REVOKED', 'the status does not allow this change'),
  LCT_FOREIGN: voids(403, 'BINDING_INVALID', 'only the home society changes this LCT'),
  // relations
  PEER_UNKNOWN: voids(404, 'BINDING_INVALID', 'no recognised society of that name'),
  PEER_BLOCKED: voids(403, 'PAIRING_DENIED', 'relations with this society have ended'),
  PEER_EVIDENCE: voids(400, 'WITNESS_INVALID', 'the foreign entry, proof or note does not hold'),
  PEER_QUORUM: voids(409, 'WITNESS_QUORUM', 'not cosigned by q of the newest recognised set'),
  PEER_OLDER: voids(409, 'PROTO_SEQUENCE', 'not newer than what is recognised'),
  INTRODUCTION_STALE: voids(400, 'PROTO_REPLAY', 'standing or cosignatures outside their time'),
  INTRODUCTION_EVIDENCE: voids(400, 'WITNESS_INVALID', 'standing, birth entry and proof do not fit together'),
  // ATP
  MINT_CEILING: voids(403, 'AUTHZ_RATE', 'above the ceiling of this window'),
  CHARGE_CEILING: voids(403, 'AUTHZ_RATE', "above the producer's ceiling of this window"),
  SUPPLY_LIMIT: voids(400, 'PROTO_FORMAT', 'the supply would reach 2^53'),
  POOL_INSUFFICIENT: voids(409, 'AUTHZ_DENIED', 'the pool holds less ADP'),
  BALANCE_INSUFFICIENT: voids(409, 'AUTHZ_DENIED', 'the account holds less ATP'),
  ACCOUNT_UNKNOWN: voids(404, 'BINDING_INVALID', 'no LCT with such an account in this log'),
  ACCOUNT_INACTIVE: voids(403, 'BINDING_REVOKED', 'the other party is suspended or revoked'),
  TRANSFER_SELF: reject(400, 'PROTO_FORMAT', 'payer and payee are one'),
  // attestations
  CLAIMS_INVALID: reject(400, 'WITNESS_INVALID', 'claims do not fit the witness type'),
  ATTEST_SELF: reject(400, 'WITNESS_INVALID', 'nobody is a witness of itself'),
  // state claims
  STATE_SIZE: voids(404, 'PROTO_SEQUENCE', 'not a size of which a snapshot of the state is taken'),
  STATE_CLAIMED: voids(409, 'PROTO_SEQUENCE', 'the state of that size is claimed already'),
  // resume
  RESUME_EPOCH: voids(409, 'PROTO_SEQUENCE', 'not the epoch after the one in force'),
  RESUME_SIZE: voids(409, 'PROTO_SEQUENCE', 'a resume is the first entry after the size that it keeps'),
  RESUME_ROOT: voids(409, 'PROTO_SEQUENCE', 'not the root of the entries that are kept'),
  // notes and witnessing
  NOTE_FORMAT: reject(400, 'PROTO_FORMAT', 'not a well-formed signed note'),
  NOTE_ORIGIN: reject(400, 'PROTO_FORMAT', 'a note of another log'),
  NOTE_SIGNATURE: reject(401, 'CRYPTO_VERIFY', 'the log key did not sign this note'),
  COSIGNATURE_INVALID: reject(401, 'WITNESS_INVALID', 'a cosignature that fails'),
  CHECKPOINT_SHRINKS: refuse(409, 'PROTO_SEQUENCE', 'smaller than a checkpoint already cosigned'),
  CHECKPOINT_FORK: refuse(409, 'PROTO_SEQUENCE', 'conflicts with the history held here'),
  CHECKPOINT_AHEAD: refuse(409, 'PROTO_SEQUENCE', 'entries below this size are not here yet', true),
  CHECKPOINT_FUTURE: refuse(
    409,
    'PROTO_SEQUENCE',
    'the newest entry is more than 60 s ahead of the witness clock',
    true,
  ),
  NOT_CONSENTED: refuse(403, 'WITNESS_REJECTED', 'this node did not consent to witness that log'),
  VOID_ENTRY: refuse(409, 'WITNESS_REJECTED', 'the log holds a void entry; nothing past it is cosigned'),
  STATE_CLAIM: refuse(409, 'WITNESS_REJECTED', 'the log claims another state than was computed here'),
  STATE_UNCHECKED: refuse(
    503,
    'WITNESS_UNAVAIL',
    'the log claims a state whose digest is still being computed here',
    true,
  ),
  FROZEN: refuse(409, 'WITNESS_REJECTED', 'the log has forked; nothing of it is signed or applied any more'),
  EPOCH_SPENT: ignore(409, 'PROTO_SEQUENCE', 'a note or proof of an epoch that the log has left'),
  EPOCH_UNKNOWN: ignore(409, 'PROTO_SEQUENCE', 'a note or proof of an epoch whose resume is not here yet'),
  RESUMING: refuse(409, 'WITNESS_REJECTED', 'the log is being resumed from an earlier size', true),
  RESUME_SOUND: refuse(409, 'WITNESS_REJECTED', 'the log has neither forked nor a void entry here'),
  RESUME_FINAL: refuse(409, 'WITNESS_REJECTED', 'the resume would drop an entry that is final'),
  RESUME_COSIGNED: refuse(409, 'WITNESS_REJECTED', 'this witness cosigned what the resume would drop'),
  RESUME_APPROVAL: refuse(403, 'WITNESS_REJECTED', "waits for this witness's operator to approve the resume", true),
  RESUME_QUORUM: refuse(409, 'WITNESS_QUORUM', 'fewer than q witnesses have countersigned the resume so far', true),
  HANDOVER_OPEN: refuse(
    409,
    'WITNESS_QUORUM',
    'the witnesses that the last handover replaced have not yet signed for it',
    true,
  ),
  LAW_CONSENT: refuse(403, 'WITNESS_REJECTED', 'a witness that the law names newly does not consent'),
  LAW_CONSENT_SILENT: refuse(
    503,
    'WITNESS_UNAVAIL',
    'a witness that the law names newly cannot be reached, does not answer, or has gone again',
    true,
  ),
  LAW_UNWITNESSED: refuse(
    409,
    'WITNESS_QUORUM',
    'fewer than q witnesses of the new set, or of the one it replaces, are connected: nothing would become final',
    true,
  ),
  LAW_AMEND: refuse(403, 'WITNESS_QUORUM', "not exactly k of the charter's amend keys have signed"),
  LAW_BUSY: refuse(409, 'LAW_CONFLICT', 'another change of the law is in work', true),
  STARTING: refuse(503, 'WITNESS_UNAVAIL', 'not signing yet: waiting to hear the newest size from peers', true),
  KEY_IN_USE: refuse(
    503,
    'LEDGER_WRITE',
    'another process signs with the key of this log; nothing is signed here until a restart',
    true,
  ),
  OVERRIDE_SIZE: refuse(409, 'PROTO_SEQUENCE', 'not the size that is held here'),
  CLOCK_SKEW: refuse(503, 'WITNESS_UNAVAIL', 'this clock is more than 60 s from the median of its witnesses', true),
  RECORD_DEAD: refuse(410, 'PROTO_REPLAY', 'can never enter the log any more'),
  PROOF_INVALID: reject(400, 'WITNESS_INVALID', 'a proof that does not verify proves nothing'),
  PROOF_KEY: ignore(409, 'WITNESS_INVALID', 'the fork proof starts from a log key that is not in force here'),
  // bundles
  BUNDLE_FORMAT: reject(400, 'PROTO_FORMAT', 'not a bundle'),
  BUNDLE_CHAIN: reject(400, 'WITNESS_INVALID', 'the chain from the charter does not hold'),
  BUNDLE_QUORUM: reject(400, 'WITNESS_QUORUM', 'not exactly q valid cosignatures'),
  BUNDLE_SUPERFLUOUS: reject(400, 'PROTO_FORMAT', 'holds something that nothing needs'),
  // the formats of other transparency logs
  TLOG_FORMAT: reject(400, 'PROTO_FORMAT', 'not a C2SP tlog-proof or add-checkpoint request'),
  TLOG_QUORUM: reject(400, 'WITNESS_QUORUM', 'fewer of the named witnesses cosigned than asked for'),
  // peers and streams
  PEER_GARBAGE: refuse(400, 'PROTO_FORMAT', 'a frame that is not what the protocol says'),
  PEER_TOO_MUCH: refuse(413, 'AUTHZ_RATE', 'more bytes, items or requests than allowed', true),
  PEER_SILENT: refuse(408, 'PAIRING_TIMEOUT', 'nothing within the time allowed', true),
  PEER_UNREACHABLE: refuse(503, 'WITNESS_UNAVAIL', 'no connection to that peer', true),
  PEER_DENIED: refuse(403, 'PAIRING_DENIED', 'policy here does not allow it'),
  SOCIETY_CLAIMED: refuse(
    403,
    'PAIRING_DENIED',
    'the peer names a society whose law names another witness key; it is treated as a stranger',
  ),
  NODE_STATEMENT: refuse(401, 'PAIRING_DENIED', 'the peer did not prove for whom it speaks'),
  // store
  STORE_LOCKED: refuse(503, 'LEDGER_WRITE', 'another process has the data folder open', true),
  STORE_CORRUPT: refuse(500, 'LEDGER_WRITE', 'the data folder is damaged; what was read cannot be trusted'),
  STORE_FULL: refuse(507, 'LEDGER_WRITE', 'no space left for the data folder', true),
  STORE_FAILED: refuse(
    500,
    'LEDGER_WRITE',
    'reading or writing failed; only a new start shows whether the last write took effect',
    true,
  ),
  STORE_CLOSED: refuse(503, 'LEDGER_WRITE', 'the store or the snapshot is closed', true),
  // keys at rest
  KEY_FILE: refuse(400, 'CRYPTO_KEY', 'no key file, a damaged one, or one that would be overwritten'),
  KEY_FILE_MODE: refuse(403, 'CRYPTO_KEY', 'others can read the key file'),
  NETWORK_KEY: refuse(400, 'CRYPTO_KEY', 'no key file of a private network, or a damaged one'),
  PASSPHRASE: refuse(401, 'CRYPTO_KEY', 'no passphrase, or the wrong one'),
  // invitations
  INVITATION_FORMAT: refuse(400, 'PROTO_FORMAT', 'not an invitation'),
  INVITATION_VERSION: refuse(400, 'PROTO_VERSION', 'an invitation of another version'),
  INVITATION_CHECKSUM: refuse(400, 'PROTO_FORMAT', 'an invitation with a typing error'),
  FOLDER_TAKEN: refuse(409, 'BINDING_EXISTS', 'the data folder is set up already'),
  SLUG_FORMAT: refuse(400, 'PROTO_FORMAT', 'a name has 1 to 32 of a-z, 0-9 and -, and no - at its ends'),
  SLUG_TAKEN: refuse(409, 'BINDING_EXISTS', 'another society known here has this slug'),
  PAYMENT_ID: refuse(409, 'PROTO_REPLAY', 'this payment id stands for other terms'),
  PAYMENT_DEAD: refuse(410, 'PROTO_REPLAY', 'this payment can never happen any more'),
  PAYMENT_WAITS: refuse(
    409,
    'PROTO_REPLAY',
    'nothing more is sent of this payment, but its signed record may still enter the log',
    true,
  ),
  PAYMENT_BUSY: refuse(409, 'PROTO_REPLAY', 'another command works on this payment', true),
  // local requests
  NOT_FOUND: refuse(404, 'BINDING_INVALID', 'nothing of that name here'),
  NOT_FINAL: refuse(409, 'WITNESS_QUORUM', 'not final yet', true),
  NOT_SEQUENCER: refuse(409, 'PAIRING_INVALID', 'this node does not write that log'),
  UNAUTHORIZED: refuse(401, 'AUTHZ_DENIED', 'no or wrong bearer token'),
  OVERLOADED: refuse(429, 'AUTHZ_RATE', 'the queue is full', true),
  NODE_UNREACHABLE: refuse(503, 'WITNESS_UNAVAIL', 'no node answers at that address', true),
  BAD_REQUEST: refuse(400, 'PROTO_FORMAT', 'the request is not what the API describes'),
  INTERNAL: refuse(500, 'LEDGER_WRITE', 'a fault of this node; the log was not changed', true),
} as const satisfies Record<string, CodeFacts>

export type Code = keyof typeof codes

/** A refusal as data: a bounded code, and facts for people. `detail` never carries secrets or another process's errors. */
export interface Rejection {
  readonly code: Code
  readonly detail?: string
}

export function rejection(code: Code, detail?: string): Rejection {
  return detail === undefined ? { code } : { code, detail }
}

export function isTransient(code: Code): boolean {
  return codes[code].transient
}

/** For shells (CLI, API client) that must leave by an exception. The core never throws for bad input. */
export class CodedError extends Error {
  static override readonly name = 'CodedError'
  override readonly name = 'CodedError'
  readonly code: Code

  constructor(code: Code, detail?: string, options?: ErrorOptions) {
    super(detail ?? codes[code].doc, options)
    this.code = code
  }
}
