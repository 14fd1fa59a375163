// Plain JavaScript: bootstrap.mjs needs it before Node 24 and the packages are there.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const retryMs = 100;
const ownerFile = 'owner';

/**
 * Names a running process so that a later process with the same id is not taken for it: the id and the start time.
 *
 * @param {number} pid process id
 * @returns {string | undefined} undefined when no such process runs (a zombie does not run)
 */
export function processIdentity(pid) {
  if (existsSync('/proc/self/stat')) return identityFromProc(pid);
  try {
    process.kill(pid, 0);
    return `${pid}@${execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()}`;
  } catch {
    return undefined;
  }
}

/** @param {number} pid */
function identityFromProc(pid) {
  try {
    // The command's name, in parentheses, may hold spaces; the state and then the start time (field 22) come after it.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : `${pid}@${fields[19]}`;
  } catch {
    return undefined;
  }
}

/**
 * Whether the process that {@link processIdentity} named still runs.
 *
 * @param {string} identity
 */
export function isRunning(identity) {
  return processIdentity(Number.parseInt(identity, 10)) === identity;
}

/**
 * Takes a lock that is a directory holding its owner's identity. Waits while a live process holds it; a dead owner's
 * lock is taken over.
 *
 * @param {string} path the lock's directory; its parent is made when missing
 * @param {{ timeoutMs?: number, onWait?: (pid: number) => void }} [options] timeoutMs: 300,000 when not given; onWait is
 *   called once, when there is something to wait for
 * @returns {Promise<() => void>} gives the lock back; calling it twice does no harm
 * @throws {Error} when the lock is still held after timeoutMs
 */
export async function acquireLock(path, { timeoutMs = 300_000, onWait = () => {} } = {}) {
  const deadline = Date.now() + timeoutMs;
  mkdirSync(dirname(path), { recursive: true });
  for (let waits = 0; ; waits += 1) {
    if (tryLock(path)) break;
    const owner = ownerOf(path);
    if (owner === undefined) continue; // given back in between
    if (!isRunning(owner)) {
      removeStale(path, owner);
      continue;
    }
    const pid = Number.parseInt(owner, 10);
    if (waits === 0) onWait(pid);
    if (Date.now() > deadline) throw new Error(`${path} is still held by process ${pid} after ${timeoutMs} ms`);
    await sleep(retryMs);
  }
  let held = true;
  return () => {
    if (held) rmSync(path, { recursive: true, force: true });
    held = false;
  };
}

/**
 * The lock appears with its owner in it by one rename, which fails on a directory that is not empty.
 *
 * @param {string} path
 */
function tryLock(path) {
  const candidate = mkdtempSync(join(dirname(path), `${basename(path)}-`));
  writeFileSync(join(candidate, ownerFile), processIdentity(process.pid) ?? '');
  try {
    renameSync(candidate, path);
    return true;
  } catch (error) {
    rmSync(candidate, { recursive: true, force: true });
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOTEMPTY') return false;
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {string} path */
function ownerOf(path) {
  try {
    return readFileSync(join(path, ownerFile), 'utf8');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Two waiters may find the same dead owner; the slower one must not remove the faster one's fresh lock.
 *
 * @param {string} path
 * @param {string} deadOwner
 */
function removeStale(path, deadOwner) {
  const aside = `${path}-stale-${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return;
    throw error;
  }
  if (ownerOf(aside) === deadOwner) rmSync(aside, { recursive: true, force: true });
  else renameSync(aside, path);
}
