import { open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CodedError } from '../../src/rejection.ts'

/**
 * LevelDB takes a folder without CURRENT for a new store, and then deletes the tables and logs that it finds there.
 * A lost CURRENT must stop the node, not empty it.
 */
export async function assertFolderWhole(path: string): Promise<void> {
  const names = await namesIn(path)
  if (names.includes('CURRENT')) return
  const orphan = names.find(name => /^(?:\d+\.(?:ldb|sst|log)|MANIFEST-\d+)$/.test(name))
  if (orphan !== undefined) throw new CodedError('STORE_CORRUPT', `${path} holds ${orphan} but no CURRENT`)
}

/**
 * Makes earlier unsynced batches durable. LevelDB's own sync covers only its newest write-ahead log: when a log is full it begins
 * the next one without syncing the old, so after a power loss a synced batch could stand where an earlier one is missing.
 */
export async function syncLogs(path: string): Promise<void> {
  const logs = (await namesIn(path)).filter(name => /^\d+\.log$/.test(name))
  await Promise.all(logs.map(name => syncFile(join(path, name))))
}

async function syncFile(path: string): Promise<void> {
  try {
    const file = await open(path, 'r+')
    try {
      await file.datasync()
    } finally {
      await file.close()
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    // ENOENT: its content has moved into synced tables. EBUSY: on Windows the newest log is open to LevelDB alone, which syncs it.
    if (code !== 'ENOENT' && !(code === 'EBUSY' && process.platform === 'win32')) throw error
  }
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
