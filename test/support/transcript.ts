/** Sessions of a document as a reader sees them: blocks ```console NAME, one terminal for each NAME, in the order of the text. */

export interface TypedLine {
  readonly terminal: string
  /** What stands behind `$ `. */
  readonly command: string
  /** What the screen shows then: `…` stands for any text in a line, a line `…` for any lines. */
  readonly shown: readonly string[]
}

const BLOCK = /^```console ([a-z]+)\n(.*?)^```$/gms

export function transcriptOf(document: string): readonly TypedLine[] {
  return [...document.matchAll(BLOCK)].flatMap(([, terminal = '', block = '']) => {
    const lines: { terminal: string; command: string; shown: string[] }[] = []
    for (const line of block.trimEnd().split('\n')) {
      if (line.startsWith('$ ')) lines.push({ terminal, command: line.slice(2), shown: [] })
      else lines.at(-1)?.shown.push(line)
    }
    return lines
  })
}

/** The first line of `shown` that the screen does not show where it should, or the first that it shows beyond them; undefined: all as shown. */
export function difference(shown: readonly string[], screen: readonly string[]): string | undefined {
  let at = 0
  let skips = false
  for (const [index, line] of shown.entries()) {
    if (line === '…') {
      skips = true
      continue
    }
    const form = new RegExp(`^${line.split('…').map(escaped).join('.*')}$`)
    const found = screen.findIndex((text, place) => place >= at && form.test(text))
    if (found < 0 || (!skips && found !== at))
      return `line ${index + 1}: "${line}", but the screen shows "${screen[at] ?? ''}"`
    at = found + 1
    skips = false
  }
  return skips || at === screen.length ? undefined : `the screen shows "${screen[at]}" after all that was expected`
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
