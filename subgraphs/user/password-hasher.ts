import { argon2, timingSafeEqual } from 'node:crypto';
import { argon2Parameters, formatPasswordHash, parsePasswordHash, type PasswordHash } from './domain/password-hash.ts';
import { maxPasswordLength, normalisePassword } from './domain/password.ts';
import { type Turn, createPasswordQueue } from './password-queue.ts';

/** Argon2id with capped concurrency: each hash takes 19 MiB and a core for some 20 ms, so a flood must queue, then be refused. */
export type PasswordHasher = {
  /** The PHC string to store. Throws TOO_MANY_REQUESTS when the queue is full. */
  hash(password: string, turn: Turn): Promise<string>;
  /**
   * Whether the password is the stored one. `null` for an account that doesn't exist: the answer is false after the same
   * work. Throws TOO_MANY_REQUESTS when the queue is full.
   */
  verify(password: string, stored: string | null, turn: Turn): Promise<boolean>;
};

const saltBytes = 16;
const hashBytes = 32;

export function createPasswordHasher(options: {
  maxQueued: number;
  randomBytes: (size: number) => Buffer;
}): PasswordHasher {
  const inTurn = createPasswordQueue(options);
  const dummy: PasswordHash = {
    parameters: argon2Parameters,
    salt: options.randomBytes(saltBytes),
    hash: options.randomBytes(hashBytes),
  };

  return {
    async hash(password, turn) {
      const salt = options.randomBytes(saltBytes);
      const hash = await inTurn(turn, () =>
        derive(normalisePassword(password), { parameters: argon2Parameters, salt }),
      );
      return formatPasswordHash({ parameters: argon2Parameters, salt, hash });
    },
    async verify(password, stored, turn) {
      // No stored password is longer than this, so a huge one is only worth the time of a wrong one.
      const known = stored === null || password.length > 4 * maxPasswordLength ? null : parsePasswordHash(stored);
      const shown = known === null ? '' : normalisePassword(password);
      const derived = await inTurn(turn, () => derive(shown, known ?? dummy));
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
