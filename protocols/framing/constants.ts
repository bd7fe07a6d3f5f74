/** A length prefix has at most 4 bytes (256 MiB): far above every frame allowed, and a longer one is garbage. */
export const LENGTH_BYTES_MAX = 4
/** Bytes that a refusal needs: `{"code":"…"}`; readers of an answer always leave room for one. */
export const REFUSAL_BYTES_MAX = 256
/** Frames are sent together from here on: as much as yamux and noise take at a time. */
export const PIECE_BYTES = 64 * 1024
