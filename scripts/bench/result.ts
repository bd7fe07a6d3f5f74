/** What every benchmark reports. `ratio` = value / limit: how much of what the machine can do at all is reached. */
export interface BenchResult {
  name: string
  unit: string
  value: number
  limit: number
  ratio: number
  sizes: Record<string, number>
  [extra: string]: unknown
}
