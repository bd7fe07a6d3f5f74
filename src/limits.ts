/** Limits that are part of validity: every node applies the same ones (docs/protocol.md, Limits). */
export const ENTRY_BYTES_MAX = 65_535
export const CHARTER_BYTES_MAX = 40 * 1024
export const BIRTH_BYTES_MAX = 16 * 1024
export const LAW_BYTES_MAX = 24 * 1024
export const DEPTH_MAX = 16
export const SIGNATURES_MAX = 32
/** More finality witnesses than this make a charter or law void. */
export const WITNESSES_MAX = 15
export const LANE_MAX = 255
/** Accounts that one atp.sweep names: with ids of 108 characters the record stays below 60 KiB. */
export const SWEEP_ACCOUNTS_MAX = 512
/** A resume is for accidents; a log that has more of them than this is no log. */
export const EPOCHS_MAX = 256
/** A foreign note inside a record: the log's line and up to 15 cosignatures have about 3.2 KiB. */
export const FOREIGN_NOTE_BYTES_MAX = 4 * 1024
/**
 * Snapshots of the state are at least so many entries apart, and at least as many as the state has keys. A digest reads every key
 * once, so it costs each entry at most one key read; and small logs are not read all the time.
 */
export const SNAPSHOT_ENTRIES_MIN = 10_000
/** Distance allowed between record.time and entry.time. */
export const FRESHNESS_MS = 300_000
/** The same for kinds that several parties sign. */
export const FRESHNESS_MULTI_MS = 86_400_000
