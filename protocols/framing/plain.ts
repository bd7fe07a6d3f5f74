/** Sockets give Node's Buffer, whose `slice` shares memory where a Uint8Array's copies: nothing inside may meet one. */
export function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}
