import { createHash } from 'node:crypto';
import { addressGroup } from '../shared/values/address-group.ts';
import { type Sql, run, select } from '../shared/database/database.ts';
import { idToBytes } from '../shared/values/ids.ts';

/**
 * Where somebody signs in from. A device says the token that it was given when it signed in; the address is what the gateway
 * saw. Both are kept as SHA-256 with the account's id, only to tell known from unknown.
 */
export type Places = { readonly address: string | undefined; readonly deviceToken: string | null };

/** From where an account was signed in to before: what is known of an attempt. A device says more than an address. */
type KnownPlace = 'DEVICE' | 'ADDRESS' | null;

/** Places of which nothing was heard for so long are forgotten. */
export const placeRetentionDays = 90;
/** A place that was noted within this is not noted again. */
const notedAgainAfterHours = 24;
const deviceTokenBytes = 16;
/** As we make them; a client that shows something else is given one. */
const deviceTokenForm = /^[\w-]{22}$/;

const digest = (...parts: readonly string[]): Buffer => createHash('sha256').update(parts.join('\n')).digest();
const addressHash = (userId: string, address: string): Buffer => digest('address', userId, addressGroup(address));
const deviceHash = (userId: string, token: string): Buffer => digest('device', userId, token);

export const placesOf = (address: string | undefined, deviceToken: string | null | undefined): Places => ({
  address,
  deviceToken: deviceToken && deviceTokenForm.test(deviceToken) ? deviceToken : null,
});

/** Whether this account was signed in to from there before. One statement, also for an account that nobody has. */
export async function findKnownPlace(sql: Sql, userId: string, places: Places): Promise<KnownPlace> {
  const device = places.deviceToken === null ? null : deviceHash(userId, places.deviceToken);
  const address = places.address === undefined ? null : addressHash(userId, places.address);
  const rows = await select(sql, 'select place_hash from sign_in_place where user_id = ? and place_hash in (?, ?)', [
    idToBytes(userId), device, address,
  ]); // prettier-ignore
  const knows = (hash: Buffer | null) =>
    hash !== null && rows.some((row) => (row['place_hash'] as Buffer).equals(hash));
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
  await run(
    tx,
    `insert into sign_in_place (user_id, place_hash, last_used_at) values ${hashes.map(() => '(?, ?, ?)').join(', ')}
     on duplicate key update last_used_at = if(last_used_at < ? - interval ${notedAgainAfterHours} hour, ?, last_used_at)`,
    [...hashes.flatMap((hash) => [idToBytes(userId), hash, at]), at, at],
  );
  return deviceToken;
}
