import type { JsonObject } from '../../src/canonical.ts'

/** Server-sent events: how they are written and read. Runs in a browser too. */

export interface StreamedEvent {
  readonly type: string
  readonly data: JsonObject
}

/** A line that every client passes over. */
export const HEARTBEAT = ': still here\n\n'

/** `event: final\ndata: {…}\n\n`; JSON has no line breaks of its own. */
export function formatEvent({ type, data }: StreamedEvent): string {
  return `event: ${type.replace(/[\r\n]/g, ' ')}\ndata: ${JSON.stringify(data)}\n\n`
}

/** More text than this without the end of an event is no stream of ours. */
const EVENT_CHARACTERS_MAX = 1_000_000

/** Events of a stream of text pieces, cut anywhere. Comments and events without data are passed over. */
export async function* parseEvents(pieces: AsyncIterable<string>): AsyncGenerator<StreamedEvent> {
  let rest = ''
  for await (const piece of pieces) {
    const blocks = (rest + piece).split('\n\n')
    rest = blocks.pop() ?? ''
    if (rest.length > EVENT_CHARACTERS_MAX) throw new RangeError('an event without end')
    for (const block of blocks) {
      const event = parseBlock(block)
      if (event !== undefined) yield event
    }
  }
}

function parseBlock(block: string): StreamedEvent | undefined {
  let type = 'message'
  const data: string[] = []
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) type = line.slice('event: '.length)
    else if (line.startsWith('data: ')) data.push(line.slice('data: '.length))
  }
  return data.length === 0 ? undefined : { type, data: JSON.parse(data.join('\n')) as JsonObject }
}
