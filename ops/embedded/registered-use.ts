import { randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, processIdentity } from '../lock-directory.mjs';

/**
 * Registers this process as one that uses something: a file in `directory`, named by the process and a random part.
 * Files of processes that no longer run do not count.
 *
 * @returns `end` takes the registration back: 'last' when no other is left, 'ended' when it was taken back before
 */
export function registerUse(directory: string): { end(): 'last' | 'used by others' | 'ended' } {
  mkdirSync(directory, { recursive: true });
  const own = `${processIdentity(process.pid)}~${randomUUID()}`;
  writeFileSync(join(directory, own), '');
  let ended = false;
  return {
    end() {
      if (ended) return 'ended';
      ended = true;
      rmSync(join(directory, own), { force: true });
      let others = 0;
      for (const use of readdirSync(directory)) {
        if (isRunning(use.split('~')[0] as string)) others += 1;
        else rmSync(join(directory, use), { force: true });
      }
      return others === 0 ? 'last' : 'used by others';
    },
  };
}
