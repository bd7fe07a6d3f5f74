/** Waits for a condition, looking every few milliseconds; throws with the description when it does not come in time. */
export async function until(description: string, condition: () => boolean, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not in ${limitMs} ms: ${description}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
