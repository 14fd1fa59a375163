import { type Row, type Sql, select, toDate, write } from '../shared/database/database.ts';
import { isDuplicateKey } from '../shared/errors/errors.ts';
import type { ServiceCredential } from './domain/service-credential.ts';

const columns = 'service, app, token_hash, strict, created_at, rotated_at, revoked_at';

const toCredential = (row: Row): ServiceCredential => ({
  service: row['service'] as string,
  app: row['app'] as string,
  tokenHash: row['token_hash'] as Buffer | null,
  strict: Number(row['strict']) === 1,
  createdAt: toDate(row['created_at']) as Date,
  rotatedAt: toDate(row['rotated_at']),
  revokedAt: toDate(row['revoked_at']),
});

export type Pair = { readonly app: string; readonly service: string };

/** All credentials; there are as many as pairs of services, so there are no pages. */
export const readCredentialList = async (sql: Sql): Promise<ServiceCredential[]> =>
  (await select(sql, `select ${columns} from service_credential order by service, app`)).map(toCredential);

export async function findCredential(sql: Sql, { app, service }: Pair): Promise<ServiceCredential | null> {
  const [row] = await select(sql, `select ${columns} from service_credential where service = ? and app = ?`, [
    service,
    app,
  ]);
  return row ? toCredential(row) : null;
}

/** Inserts the credential, or gives the pair a new token; a revoked pair holds again. */
export async function putCredential(
  tx: Sql,
  credential: Pair & { tokenHash: Buffer; strict: boolean; at: Date },
): Promise<void> {
  const { app, service, tokenHash, strict, at } = credential;
  const replaced = await write(
    tx,
    'update service_credential set token_hash = ?, strict = ?, rotated_at = ?, revoked_at = null where service = ? and app = ?',
    [tokenHash, strict, at, service, app],
  );
  if (replaced === 0) await insert(tx, { app, service, tokenHash, strict, at });
}

const insert = (tx: Sql, row: Pair & { tokenHash: Buffer | null; strict: boolean; at: Date }): Promise<number> =>
  write(tx, 'insert into service_credential (service, app, token_hash, strict, created_at) values (?, ?, ?, ?, ?)', [
    row.service,
    row.app,
    row.tokenHash,
    row.strict,
    row.at,
  ]);

/** False when there is none. One that is revoked already stays as it is. */
export async function revokeCredential(tx: Sql, pair: Pair, at: Date): Promise<boolean> {
  const found = await write(
    tx,
    'update service_credential set revoked_at = coalesce(revoked_at, ?) where service = ? and app = ?',
    [at, pair.service, pair.app],
  );
  return found === 1;
}

/**
 * Notes a grant of SERVICE_TOKENS, so that it is listed. True when the pair had a token of its own, or was revoked, from
 * before its app came into SERVICE_TOKENS: that is over.
 */
export async function noteConfigured(sql: Sql, pair: Pair, at: Date): Promise<boolean> {
  try {
    await insert(sql, { ...pair, tokenHash: null, strict: true, at });
    return false;
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
  }
  const reset = await write(
    sql,
    'update service_credential set token_hash = null, strict = true, revoked_at = null where service = ? and app = ? and (token_hash is not null or revoked_at is not null)',
    [pair.service, pair.app],
  );
  return reset === 1;
}
