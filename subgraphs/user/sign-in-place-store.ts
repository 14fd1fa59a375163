import { createHash } from 'node:crypto';
import { sql as raw } from 'kysely';
import { addressGroup } from '../shared/values/address-group.ts';
import type { Sql } from '../shared/database/statements.ts';
import { change, find } from '../shared/database/tables.ts';
import { idToBytes } from '../shared/values/ids.ts';
import { tables } from './records.ts';
import type { Places } from './sign-in-places.ts';

/** From where an account was signed in to before: what is known of an attempt. A device says more than an address. */
type KnownPlace = 'DEVICE' | 'ADDRESS' | null;

/** Places of which nothing was heard for so long are forgotten. */
export const placeRetentionDays = 90;
/** A place that was noted within this is not noted again. */
const notedAgainAfterHours = 24;
const deviceTokenBytes = 16;

const digest = (...parts: readonly string[]): Buffer => createHash('sha256').update(parts.join('\n')).digest();
const addressHash = (userId: string, address: string): Buffer => digest('address', userId, addressGroup(address));
const deviceHash = (userId: string, token: string): Buffer => digest('device', userId, token);

/** Whether this account was signed in to from there before. One statement, also for an account that nobody has. */
export async function findKnownPlace(sql: Sql, userId: string, places: Places): Promise<KnownPlace> {
  const device = places.deviceToken === null ? null : deviceHash(userId, places.deviceToken);
  const address = places.address === undefined ? null : addressHash(userId, places.address);
  const shown = [device, address].filter((hash) => hash !== null);
  const known = tables.selectFrom('sign_in_place').select('place_hash').where('user_id', '=', idToBytes(userId));
  // One statement in any case: how long it takes doesn't tell whether there is such an account.
  const rows = await find(sql, known.where('place_hash', 'in', shown.length > 0 ? shown : [Buffer.alloc(0)]));
  const knows = (hash: Buffer | null) => hash !== null && rows.some((row) => row.place_hash.equals(hash));
  return knows(device) ? 'DEVICE' : knows(address) ? 'ADDRESS' : null;
}

/** Notes a sign-in's places, in its transaction, and returns the device's token: the one that it showed, or a new one. */
export async function notePlaces(
  tx: Sql,
  visit: { userId: string; places: Places; at: Date; randomBytes: (size: number) => Buffer },
): Promise<string> {
  const { userId, places, at } = visit;
  const deviceToken = places.deviceToken ?? visit.randomBytes(deviceTokenBytes).toString('base64url');
  const hashes = [
    deviceHash(userId, deviceToken),
    ...(places.address === undefined ? [] : [addressHash(userId, places.address)]),
  ];
  const rows = hashes.map((hash) => ({ user_id: idToBytes(userId), place_hash: hash, last_used_at: at }));
  const isOld = raw<Date>`if(last_used_at < ${at} - interval ${raw.lit(notedAgainAfterHours)} hour, ${at}, last_used_at)`;
  await change(
    tx,
    tables.insertInto('sign_in_place').values(rows).onDuplicateKeyUpdate({ last_used_at: isOld }),
    'any',
  );
  return deviceToken;
}

/** Forgets places of which nothing was heard since then, at most `limit`; returns how many. */
export const deletePlaces = (sql: Sql, before: Date, limit: number): Promise<number> =>
  change(sql, tables.deleteFrom('sign_in_place').where('last_used_at', '<', before).limit(limit));
