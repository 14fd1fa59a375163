import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type Sql, run, select, toJson } from '../database/database.ts';
import {
  type Refusal,
  RefusedError,
  idempotencyConflictError,
  isDuplicateKey,
  validationError,
} from '../errors/errors.ts';
import { idToBytes } from '../values/ids.ts';

/** Keys are kept at least this long; afterwards the business rows' own uniqueness still holds. */
export const idempotencyRetentionDays = 35;
const maxKeyLength = 128;

export type Claim = {
  /** Who uses the key: keys of different owners never meet. */
  readonly ownerId: string;
  /** The mutation's name. */
  readonly operation: string;
  /** The client's key, 1 to 128 printable ASCII characters. Undefined: the client asked for no guarantee. */
  readonly key: string | null | undefined;
  /** All that the key stands for, as JSON; compared by its RFC 8785 hash. */
  readonly input: unknown;
};

export type Claimed<Result> = { readonly replayed: boolean; readonly result: Result };

/** Why this is no idempotency key; null when it is one, or none was given. */
export const keyRefusal = (key: unknown): Refusal | null =>
  key === null || key === undefined || (typeof key === 'string' && /^[\x21-\x7e]{1,128}$/.test(key))
    ? null
    : validationError(`An idempotency key has 1 to ${maxKeyLength} printable ASCII characters without spaces.`, [
        'idempotencyKey',
      ]);

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * SHA-256 over the canonical JSON (RFC 8785); `undefined` members count as absent. Throws RefusedError with
 * ValidationError for text with half a surrogate pair, which no canonical JSON has and no database would keep.
 */
export function hashOf(value: unknown): Buffer {
  try {
    return digest(canonicalize(JSON.parse(JSON.stringify(value ?? null))) ?? 'null');
  } catch (error) {
    if (!(error as Error).message.startsWith('Lone surrogate')) throw error;
    throw new RefusedError(validationError('The input has text that is not valid Unicode.'));
  }
}

/**
 * Claims the key inside the transaction whose effect it protects: row and effect commit or vanish together. `result` is
 * what a repetition needs to find the same answer again, e.g. the id of what is being made. The same key with the same
 * input gives the first result and `replayed: true`; with other input it refuses (RefusedError with
 * IdempotencyConflictError). A concurrent first use is waited for by the row's lock.
 */
export async function claimKey<Result>(tx: Sql, claim: Claim, result: Result): Promise<Claimed<Result>> {
  if (claim.key === null || claim.key === undefined) return { replayed: false, result };
  const refusal = keyRefusal(claim.key);
  if (refusal) throw new RefusedError(refusal);
  const owner = idToBytes(claim.ownerId);
  const keyHash = digest(`${claim.operation}\n${claim.key}`);
  const inputHash = hashOf(claim.input);
  try {
    await run(
      tx,
      'insert into idempotency (owner_id, key_hash, operation, input_hash, result, created_at) values (?, ?, ?, ?, ?, utc_timestamp(3))',
      [owner, keyHash, claim.operation, inputHash, JSON.stringify(result)],
    );
    return { replayed: false, result };
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  const [row] = await select(tx, 'select input_hash, result from idempotency where owner_id = ? and key_hash = ?', [
    owner,
    keyHash,
  ]);
  if (!row) throw new RefusedError(idempotencyConflictError(true));
  if (!(row['input_hash'] as Buffer).equals(inputHash)) throw new RefusedError(idempotencyConflictError(false));
  return { replayed: true, result: toJson<Result>(row['result']) };
}

/** Looks a key up without claiming it, outside the deciding transaction; null when it is new. Refuses like `claimKey`. */
export async function findKey<Result>(sql: Sql, claim: Claim): Promise<Result | null> {
  if (claim.key === null || claim.key === undefined) return null;
  const [row] = await select(sql, 'select input_hash, result from idempotency where owner_id = ? and key_hash = ?', [
    idToBytes(claim.ownerId),
    digest(`${claim.operation}\n${claim.key}`),
  ]);
  if (!row) return null;
  if (!(row['input_hash'] as Buffer).equals(hashOf(claim.input)))
    throw new RefusedError(idempotencyConflictError(false));
  return toJson<Result>(row['result']);
}

/** Replaces the result that `claimKey` stored, where it is only known at the end of the same transaction. */
export async function saveResult(tx: Sql, claim: Claim, result: unknown): Promise<void> {
  if (claim.key === null || claim.key === undefined) return;
  const parameters = [JSON.stringify(result), idToBytes(claim.ownerId), digest(`${claim.operation}\n${claim.key}`)];
  await run(tx, 'update idempotency set result = ? where owner_id = ? and key_hash = ?', parameters);
}
