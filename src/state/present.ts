/** What the charter wrote and nothing removes; its absence is a programmer's error, never input. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('state without a charter')
  return value
}
