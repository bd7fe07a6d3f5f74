import { type Code, codes } from '../../src/rejection.ts'

/** What a person can do about a refusal. Codes without a line of their own get one by class. */
const advice: Partial<Record<Code, string>> = {
  FORMAT_TOO_LARGE: 'Send less: every kind of record has a limit of its own (docs/protocol.md, Limits).',
  FORMAT_NOT_CANONICAL:
    'Encode canonically: members sorted, no white space, integers only (docs/protocol.md, Encoding).',
  AMOUNT_NOT_POSITIVE: 'Give an amount of at least 0.000001 ATP.',
  SIGNATURE_INVALID: 'Sign again with the key that the record names; check that the file was not changed on its way.',
  SIGNATURE_PURPOSE: 'Sign the record itself: the signed message starts with the line web4/record/1.',
  PROOF_OF_POSSESSION_MISSING: "Sign the birth with the member's own key as well.",
  UNKNOWN_KIND: 'Update the software of this node.',
  UNKNOWN_PROTOCOL: 'Update the software of this node.',
  CONSERVATION:
    '`web4 log audit SOCIETY --replay` says whether this disk or this software is at fault, `--repair` puts a damaged state right: docs/operations.md.',
  WRONG_SOCIETY: 'Name the society of the log that the record is for.',
  STALE: 'Check the clock of this machine, then make and sign the record again.',
  REPLAYED: 'Ask for the next n of this lane, then make and sign the record again; another device needs another lane.',
  AUTHOR_UNKNOWN: 'Ask the society for a birth or an introduction first.',
  AUTHOR_INACTIVE: 'Ask the society to reactivate this member.',
  AUTHOR_FORBIDDEN: 'Use an author that the law gives this role, or change the law.',
  SIGNER_WRONG: "Sign with the author's current key; after a rotation that is the new one.",
  KEY_TAKEN: 'Make a new key: each one serves for one birth only.',
  ENTITY_TAKEN: 'This entity was born here before: use its LCT, or revoke that one first.',
  BIRTH_WITNESS_COUNT:
    'Recognise the societies whose witnesses the law lists for births (`web4 society recognize SOCIETY`) and connect to them.',
  BIRTH_WITNESS_SOCIETIES: 'A birth needs witnesses of at least two other societies: recognise and connect to more.',
  LCT_UNKNOWN: 'Check the LCT; a foreign one is introduced first.',
  PEER_UNKNOWN: 'Recognise that society first.',
  MINT_CEILING: 'Wait for the next window of 30 days, or mint less.',
  CHARGE_CEILING: 'Wait for the next window of 30 days, or charge less.',
  POOL_INSUFFICIENT: 'Mint first, or charge less: the pool holds too little ADP.',
  BALANCE_INSUFFICIENT: 'Pay less, or charge the account first; balances shrink with age.',
  ACCOUNT_UNKNOWN: 'Check the LCT; a foreign one is introduced before it can be paid.',
  ACCOUNT_INACTIVE: 'The other party must be reactivated by its society first.',
  CLAIMS_INVALID: 'Give exactly the claims that this witness type asks for (docs/protocol.md, Attestations).',
  STATE_CLAIM:
    'Compare `web4 log SOCIETY --snapshots` on several nodes. If the society is wrong, it resumes its log from before the claim.',
  STATE_UNCHECKED: 'Nothing: the digest is being computed, and the size is cosigned then.',
  RECORD_DEAD: 'Make a new record: this one can never enter the log any more, so nothing is said twice.',
  PROOF_INVALID: 'Do not rely on it. Fetch the proof again from a node that you trust.',
  BUNDLE_FORMAT: 'Fetch the bundle again, byte for byte: one changed, added or lost byte makes it worthless.',
  BUNDLE_CHAIN: 'Do not rely on it. Fetch the bundle again from a node that you trust.',
  BUNDLE_QUORUM: 'Do not rely on it: too few witnesses signed. Fetch the bundle again once the record is final.',
  TLOG_FORMAT: 'Fetch the file again, byte for byte; `web4 proof ID --tlog-proof` makes one.',
  TLOG_QUORUM: 'Do not rely on it: name more witnesses that you trust, or fetch the proof again later.',
  FROZEN:
    'The log has forked. Its operator sees with `web4 resume` what can be kept; witnesses see with `web4 resume requests` what they are asked for.',
  VOID_ENTRY: 'Its operator sees with `web4 resume` what can be kept.',
  RESUMING:
    'Wait until the log is resumed; its operator runs `web4 resume` again until enough witnesses have countersigned.',
  RESUME_SOUND: 'There is nothing to repair: this node knows neither a fork nor a void entry of that log.',
  RESUME_SIZE: 'Give a --size that this node holds.',
  RESUME_FINAL:
    'Keep more: what is final cannot be given up. If no history keeps it, start a new charter with `web4 genesis --predecessor`.',
  RESUME_COSIGNED:
    'This witness cannot countersign that. If most witnesses hold another history, `web4 resume --from WITNESS` goes over to it; else let enough others countersign.',
  RESUME_APPROVAL: "The witness's operator sees it with `web4 resume requests` and agrees with `web4 resume approve`.",
  RESUME_QUORUM:
    'Ask the operators of the witnesses to approve (`web4 resume approve` on their nodes), then run the same command again.',
  EPOCH_UNKNOWN: 'Wait until this node has followed the resume of that log.',
  LAW_NUMBER: 'The law has changed meanwhile: look at it, and make the change again.',
  LAW_QUORUM:
    'Give a quorum of more than half of the witnesses, at most 15 of them, none of them a key of the society.',
  LAW_VALUES: 'Give a value within its bounds: docs/records.md, charter. The text names the member.',
  LAW_NEXT_KEY: 'Only the key whose hash the log has committed to can follow: `web4 keys rotate`.',
  LAW_CONSENT: "Ask that witness's operator to run `web4 witness SOCIETY`, then try again.",
  LAW_CONSENT_SILENT: 'Connect to that witness (`web4 peers`), and try again.',
  LAW_UNWITNESSED:
    'Wait until enough of these witnesses are connected: `web4 peers`. Nobody else can undo such a change.',
  LAW_AMEND:
    'Write the record with --prepare, let holders of amend keys sign it (`web4 law sign`), and give --amend-sig.',
  LAW_BUSY: 'Wait until the other change is done.',
  HANDOVER_OPEN: 'Wait until the witnesses that the last handover replaced have signed: `web4 status`.',
  STARTING:
    'Wait until enough peers have answered and what they hold is fetched; `web4 status` shows who is missing. After a restore see docs/operations.md.',
  KEY_IN_USE: 'Stop the other process that runs with a copy of this data folder, then restart this node.',
  OVERRIDE_SIZE: 'Look at `web4 status` first: an override repeats the size that this node holds.',
  CLOCK_SKEW: 'Set the clock of this machine.',
  PEER_UNREACHABLE: 'Look at `web4 peers`, and connect to that society with `web4 peers connect ADDRESS`.',
  SOCIETY_CLAIMED:
    'Nothing of that society goes through that peer. If its operator changed the witness key, its law has to name the new one first.',
  PEER_DENIED: "The other node's operator has to allow it.",
  STORE_LOCKED: 'Another node runs on this data folder: stop it, or give another --dir.',
  STORE_CORRUPT: 'Restore the data folder from a backup, or start with an empty one and let it fill from peers.',
  STORE_FULL: 'Make room on the disk and start the node again.',
  KEY_FILE: '`web4 keys` lists the key files of the data folder; `web4 member new` makes one.',
  KEY_FILE_MODE: 'Make it readable by its owner alone: chmod 600 FILE.',
  NETWORK_KEY: 'Copy swarm.key from a node of the private network, or leave network_key_file empty for an open one.',
  PASSPHRASE: 'Give --passphrase-file FILE, WEB4_PASSPHRASE_FILE or WEB4_PASSPHRASE, or run in a terminal.',
  INVITATION_FORMAT: 'Copy the whole line that `web4 invitation` printed at the other node.',
  INVITATION_VERSION: 'Update the software of this node, or ask for an invitation made by the same version.',
  INVITATION_CHECKSUM: 'A character was lost or changed on the way: copy the line again.',
  FOLDER_TAKEN: 'Nothing was changed. `web4 start --dir FOLDER` runs what is there; give another --dir for a new one.',
  PAYMENT_ID: 'Repeat that payment exactly as it was, or give this one another --id.',
  PAYMENT_DEAD:
    'Nothing was paid, and nothing of this payment can be paid later. `web4 payments` shows why; a new payment takes another --id.',
  PAYMENT_WAITS: 'Run the same command again after the time that it names: then it can say for certain.',
  PAYMENT_BUSY: 'Wait until the other command has ended, then look whether it paid.',
  SLUG_TAKEN:
    'Take another name: `web4 genesis --name SLUG`, or found the successor of that society with --predecessor.',
  NOT_CONSENTED: 'The operator of that node consents with `web4 witness INVITATION`, the invitation being yours.',
  NOT_FOUND: 'Check the name; the node only knows the logs that it follows.',
  NOT_FINAL: 'Wait until enough witnesses have signed; the record itself says which are missing.',
  NOT_SEQUENCER: 'Send it to the node of that society.',
  UNAUTHORIZED: 'Give the token of operator.token in the data folder of the node (--dir, or WEB4_TOKEN).',
  OVERLOADED: 'Wait a moment and send it again.',
  BAD_REQUEST: 'See /openapi.json for the API, `web4 help COMMAND` for a command.',
  INTERNAL: 'Look into the log of the node; report it if it happens again.',
  NODE_UNREACHABLE: 'Start the node with `web4 start`, or say where it is with --url or --dir.',
}

const TRANSIENT = 'The same bytes may succeed later: try again.'

export function adviceFor(code: Code): string | undefined {
  return advice[code] ?? (codes[code].transient ? TRANSIENT : undefined)
}
