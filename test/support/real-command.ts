import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The command line as a person starts it: a process of its own. */

export const MAIN = fileURLToPath(new URL('../../node/cli/main.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Command {
  readonly child: ChildProcess
  readonly pid: number
  /** What it wrote to stderr so far. */
  readonly stderr: string
  readonly ended: Promise<Ended>
}

/** Runs the Node of this test on `args`; variables of ours that happen to be set here do not reach it. */
export function start(args: readonly string[]): Command {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WEB4_')))
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return {
    child,
    pid: child.pid ?? 0,
    get stderr() {
      return stderr
    },
    ended,
  }
}

export function startWeb4(...args: readonly string[]): Command {
  return start(['--disable-warning=ExperimentalWarning', MAIN, ...args])
}

export function web4(...args: readonly string[]): Promise<Ended> {
  return startWeb4(...args).ended
}

/** The processes that `pid` started and that run. */
export async function childrenOf(pid: number): Promise<number[]> {
  return (await processes()).filter(each => each.parent === pid && !each.dead).map(each => each.pid)
}

/** Which of these still run; one that ended and that nobody asked for its exit code does not. */
export async function stillRunning(pids: readonly number[]): Promise<number[]> {
  return (await processes()).filter(({ pid, dead }) => !dead && pids.includes(pid)).map(({ pid }) => pid)
}

interface Process {
  readonly pid: number
  readonly parent: number
  /** Ended, but its parent has not been told. */
  readonly dead: boolean
}

async function processes(): Promise<Process[]> {
  return existsSync('/proc/self/stat') ? processesOfLinux() : processesByPs()
}

async function processesOfLinux(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async pid => {
      // Gone between the two calls.
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
      // The name before it, in brackets, may hold anything.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return { pid: Number(pid), parent: Number(parent), dead: state === 'Z' || state === 'X' || stat === '' }
    }),
  )
  return found
}

async function processesByPs(): Promise<Process[]> {
  const { stdout } = await commandOutput('ps', ['-A', '-o', 'pid=,ppid=,stat='])
  return stdout
    .trim()
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .map(([pid, parent, state]) => ({
      pid: Number(pid),
      parent: Number(parent),
      dead: state?.startsWith('Z') === true,
    }))
}

function commandOutput(command: string, args: readonly string[]): Promise<{ stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.once('error', reject)
    child.once('close', () => resolve({ stdout }))
  })
}
