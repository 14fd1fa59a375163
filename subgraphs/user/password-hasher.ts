import { argon2, timingSafeEqual } from 'node:crypto';
import { tooManyRequests } from '../shared/errors.ts';
import { argon2Parameters, formatPasswordHash, parsePasswordHash, type PasswordHash } from './domain/password-hash.ts';
import { maxPasswordLength, normalisePassword } from './domain/password.ts';

/** Argon2id with capped concurrency: each hash takes 19 MiB and a core for some 20 ms, so a flood must queue, then be refused. */
export type PasswordHasher = {
  /** The PHC string to store. Throws TOO_MANY_REQUESTS when the queue is full. */
  hash(password: string): Promise<string>;
  /**
   * Whether the password is the stored one. `null` for an account that doesn't exist: the answer is false after the same
   * work. Throws TOO_MANY_REQUESTS when the queue is full.
   */
  verify(password: string, stored: string | null): Promise<boolean>;
};

/** Below libuv's four threads, so that DNS, files and signatures are not kept waiting. */
const maxConcurrent = 2;
const saltBytes = 16;
const hashBytes = 32;

export function createPasswordHasher(options: {
  maxQueued: number;
  randomBytes: (size: number) => Buffer;
}): PasswordHasher {
  const limited = limiter(options.maxQueued);
  const dummy: PasswordHash = {
    parameters: argon2Parameters,
    salt: options.randomBytes(saltBytes),
    hash: options.randomBytes(hashBytes),
  };

  return {
    async hash(password) {
      const salt = options.randomBytes(saltBytes);
      const hash = await limited(() => derive(normalisePassword(password), { parameters: argon2Parameters, salt }));
      return formatPasswordHash({ parameters: argon2Parameters, salt, hash });
    },
    async verify(password, stored) {
      // No stored password is longer than this, so a huge one is only worth the time of a wrong one.
      const known = stored === null || password.length > 4 * maxPasswordLength ? null : parsePasswordHash(stored);
      const shown = known === null ? '' : normalisePassword(password);
      const derived = await limited(() => derive(shown, known ?? dummy));
      return timingSafeEqual(derived, (known ?? dummy).hash) && known !== null;
    },
  };
}

const derive = (password: string, { parameters, salt }: Pick<PasswordHash, 'parameters' | 'salt'>): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const { memoryKiB, passes, lanes } = parameters;
    argon2(
      'argon2id',
      { message: password, nonce: salt, memory: memoryKiB, passes, parallelism: lanes, tagLength: hashBytes },
      (error, key) => {
        if (error) reject(error);
        else resolve(key);
      },
    );
  });

/** Runs at most `maxConcurrent` works at once and keeps at most `maxQueued` waiting, first come first served. */
function limiter(maxQueued: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= maxConcurrent) {
      if (waiting.length >= maxQueued)
        throw tooManyRequests('Too many people sign in at this moment; try again in a few seconds.');
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      // A slot goes straight to the next in the queue, so nobody can slip in between.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
