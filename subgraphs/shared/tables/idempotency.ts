import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { type Sql, toJson } from '../database/database.ts';
import { change, find, prepare } from '../database/tables.ts';
import {
  type Refusal,
  RefusedError,
  idempotencyConflictError,
  isDuplicateKey,
  validationError,
} from '../errors/errors.ts';
import { idToBytes } from '../values/ids.ts';
import { databaseNow, sharedBuilder } from './records.ts';

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

type Key = { readonly owner: Buffer; readonly keyHash: Buffer };

const insertClaim = prepare<Key & { operation: string; inputHash: Buffer; result: string }>()((param) =>
  sharedBuilder.insertInto('idempotency').values({
    owner_id: param.owner,
    key_hash: param.keyHash,
    operation: param.operation,
    input_hash: param.inputHash,
    result: param.result,
    created_at: databaseNow,
  }),
);
const readClaim = prepare<Key>()((param) =>
  sharedBuilder
    .selectFrom('idempotency')
    .select(['input_hash', 'result'])
    .where('owner_id', '=', param.owner)
    .where('key_hash', '=', param.keyHash),
);
const updateResult = prepare<Key & { result: string }>()((param) =>
  sharedBuilder
    .updateTable('idempotency')
    .set({ result: param.result })
    .where('owner_id', '=', param.owner)
    .where('key_hash', '=', param.keyHash),
);

const keyOf = (claim: Claim): Key => ({
  owner: idToBytes(claim.ownerId),
  keyHash: digest(`${claim.operation}\n${claim.key}`),
});

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
  const key = keyOf(claim);
  const inputHash = hashOf(claim.input);
  try {
    const row = { ...key, operation: claim.operation, inputHash, result: JSON.stringify(result) };
    await change(tx, insertClaim, row, 'any');
    return { replayed: false, result };
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  const [row] = await find(tx, readClaim, key);
  if (!row) throw new RefusedError(idempotencyConflictError(true));
  if (!row.input_hash.equals(inputHash)) throw new RefusedError(idempotencyConflictError(false));
  return { replayed: true, result: toJson<Result>(row.result) };
}

/** Looks a key up without claiming it, outside the deciding transaction; null when it is new. Refuses like `claimKey`. */
export async function findKey<Result>(sql: Sql, claim: Claim): Promise<Result | null> {
  if (claim.key === null || claim.key === undefined) return null;
  const [row] = await find(sql, readClaim, keyOf(claim));
  if (!row) return null;
  if (!row.input_hash.equals(hashOf(claim.input))) throw new RefusedError(idempotencyConflictError(false));
  return toJson<Result>(row.result);
}

/** Replaces the result that `claimKey` stored, where it is only known at the end of the same transaction. */
export async function saveResult(tx: Sql, claim: Claim, result: unknown): Promise<void> {
  if (claim.key === null || claim.key === undefined) return;
  await change(tx, updateResult, { ...keyOf(claim), result: JSON.stringify(result) }, 'any');
}
