import type { UserViewer } from '../../shared/auth/viewer.ts';
import type { Sql } from '../../shared/database/database.ts';
import { type Refusal, RefusedError, orRefusals } from '../../shared/errors/errors.ts';
import { type Claim, claimKey } from '../../shared/tables/idempotency.ts';
import { normalisedAddress } from '../../shared/values/postal-address.ts';
import { lockOpenAccount } from '../administration/account-store.ts';
import type { UserDeps } from '../dependencies.ts';
import {
  type Book,
  deleteAddress,
  insertAddress,
  lockBook,
  readAddresses,
  saveBook,
  updateAddress,
} from './address-store.ts';
import {
  type Address,
  type AddressInput,
  addressInputRefusals,
  bookIsFull,
  labelOfInput,
  maxAddresses,
  unknownAddress,
  versionRefusal,
} from './address.ts';

/** The answer of mutations on the address book. */
export type AddressPayload = {
  readonly address: Address | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

const refused = (userErrors: readonly Refusal[]): AddressPayload => ({ address: null, replayed: false, userErrors });

/** Claims the key and lets `work` change the viewer's book, unless the key was used before; the address's id. */
async function changeBook(
  deps: UserDeps,
  claim: Claim & { readonly id: string },
  work: (tx: Sql, book: Book, addresses: readonly Address[]) => Promise<void>,
): Promise<{ id: string; replayed: boolean }> {
  const { id, ...key } = claim;
  const { result, replayed } = await deps.db.transaction(async (tx) => {
    const claimed = await claimKey(tx, key, { id });
    if (!claimed.replayed) {
      await lockOpenAccount(tx, claim.ownerId);
      const book = await lockBook(tx, claim.ownerId);
      await work(tx, book, await readAddresses(tx, [claim.ownerId]));
    }
    return claimed;
  });
  return { id: result.id, replayed };
}

/** Adds an address to the viewer's book or changes one. */
export function saveAddress(
  deps: UserDeps,
  viewer: UserViewer,
  input: AddressInput,
  idempotencyKey: string,
): Promise<AddressPayload> {
  return orRefusals(async () => {
    const refusals = addressInputRefusals(input);
    if (refusals.length > 0) throw new RefusedError(...refusals);
    const { userId } = viewer;
    const id = input.id ?? deps.newId(userId);
    const claim = { ownerId: userId, operation: 'saveAddress', key: idempotencyKey, input, id };
    const { id: savedId, replayed } = await changeBook(deps, claim, (tx, book, addresses) =>
      put(tx, { book, addresses, input, userId, id, at: deps.now() }),
    );
    const saved = (await readAddresses(deps.db.em(), [userId])).find((address) => address.id === savedId);
    return { address: saved ?? null, replayed, userErrors: [] };
  }, refused);
}

async function put(
  tx: Sql,
  given: {
    readonly book: Book;
    readonly addresses: readonly Address[];
    readonly input: AddressInput;
    readonly userId: string;
    readonly id: string;
    readonly at: Date;
  },
): Promise<void> {
  const { book, addresses, input, userId, id, at } = given;
  const fields = { userId, label: labelOfInput(input), address: normalisedAddress(input.address), updatedAt: at };
  const known = addresses.find((address) => address.id === input.id);
  if (known) {
    const refusal = versionRefusal(known, input.expectedVersion);
    if (refusal) throw new RefusedError(refusal);
    await updateAddress(tx, { ...fields, id, createdAt: known.createdAt, version: known.version + 1 });
  } else {
    if (input.id !== null && input.id !== undefined) throw new RefusedError(unknownAddress(input.id));
    if (addresses.length >= maxAddresses) throw new RefusedError(bookIsFull());
    await insertAddress(tx, { ...fields, id, createdAt: at, version: 1 });
  }
  await saveBook(tx, userId, {
    defaultShippingId: input.asDefaultShipping ? id : (book.defaultShippingId ?? id),
    defaultBillingId: input.asDefaultBilling ? id : (book.defaultBillingId ?? id),
  });
}

/** Takes an address out of the viewer's book; the newest that is left takes its place as a default. */
export function removeAddress(
  deps: UserDeps,
  viewer: UserViewer,
  id: string,
  idempotencyKey: string,
): Promise<AddressPayload> {
  return orRefusals(async () => {
    const claim = { ownerId: viewer.userId, operation: 'removeAddress', key: idempotencyKey, input: { id }, id };
    const { replayed } = await changeBook(deps, claim, async (tx, book, addresses) => {
      if (!addresses.some((address) => address.id === id)) throw new RefusedError(unknownAddress(id));
      const next = addresses.find((address) => address.id !== id)?.id ?? null;
      await deleteAddress(tx, id);
      await saveBook(tx, viewer.userId, {
        defaultShippingId: book.defaultShippingId === id ? next : book.defaultShippingId,
        defaultBillingId: book.defaultBillingId === id ? next : book.defaultBillingId,
      });
    });
    return { address: null, replayed, userErrors: [] };
  }, refused);
}
