import { link, open, readFile, rm } from 'node:fs/promises'
import { CodedError } from '../../src/rejection.ts'

/** One run at a time: two of them could each find the record of a payment dead and make a new one. `<path>.lock` is to be removed. */
export async function takeLock(path: string): Promise<void> {
  const own = `${path}.${process.pid}.pid`
  const file = await open(own, 'w', 0o600)
  await file.writeFile(`${process.pid}`).finally(() => file.close())
  try {
    for (let turn = 0; turn < 2; turn++) {
      const taken = await link(own, `${path}.lock`).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'EEXIST') return false
          throw error
        },
      )
      if (taken) return
      const pid = Number(await readFile(`${path}.lock`, 'utf8').catch(() => '0'))
      if (isRunning(pid)) throw new CodedError('PAYMENT_BUSY', `process ${pid} works on it`)
      await rm(`${path}.lock`, { force: true })
    }
    throw new CodedError('PAYMENT_BUSY')
  } finally {
    await rm(own, { force: true })
  }
}

function isRunning(pid: number): boolean {
  if (pid === 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
