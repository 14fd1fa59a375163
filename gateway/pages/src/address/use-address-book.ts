import { useState } from 'react';
import { useClient, useQuery } from 'urql';
import {
  MyAddressesDocument,
  RemoveAddressDocument,
  SaveAddressDocument,
} from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { perform } from '../client.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { type Action, useAction } from '../ui/use-action.ts';
import { type AddressProblems, type BookAddress, type Entered, addressOf, sortedProblems } from './address.ts';
import { firstRefusal } from '../language/refusals.ts';

const noProblems: AddressProblems = {};

/** The address book of who is signed in, the default address first. Empty while nobody is. */
export function useAddressBook(isSignedIn: boolean): Action & {
  /** Null until it is known. */
  readonly addresses: readonly BookAddress[] | null;
  readonly unknown: string | null;
  readonly problems: AddressProblems;
  /** Resolves to the kept address; null when it was refused. */
  readonly save: (entered: Entered, change?: { of?: BookAddress; asDefault?: boolean }) => Promise<BookAddress | null>;
  readonly remove: (address: BookAddress) => Promise<void>;
  readonly reload: () => void;
} {
  const client = useClient();
  const [{ data, error }, again] = useQuery({
    query: MyAddressesDocument,
    pause: !isSignedIn,
    requestPolicy: 'cache-and-network',
  });
  const [problems, setProblems] = useState(noProblems);
  const action = useAction();
  const reload = () => again({ requestPolicy: 'network-only' });
  const found = data?.me?.addresses ?? null;

  const save = async (
    entered: Entered,
    { of, asDefault = false }: { of?: BookAddress; asDefault?: boolean } = {},
  ): Promise<BookAddress | null> => {
    let kept: BookAddress | null = null;
    await action.run(async () => {
      setProblems(noProblems);
      const input = {
        address: addressOf(entered),
        asDefaultShipping: asDefault,
        ...(of !== undefined && { id: of.id, expectedVersion: of.version, label: of.label }),
      };
      const idempotencyKey = intentKey('save-address', input);
      const { saveAddress } = await perform(client, SaveAddressDocument, { ...input, idempotencyKey });
      settleIntent('save-address');
      const { fields, rest } = sortedProblems(saveAddress.userErrors);
      setProblems(fields);
      kept = saveAddress.address;
      if (kept !== null) reload();
      return rest[0] ?? null;
    });
    return kept;
  };
  const remove = ({ id }: BookAddress) =>
    action.run(async () => {
      const idempotencyKey = intentKey('remove-address', id);
      const { removeAddress } = await perform(client, RemoveAddressDocument, { id, idempotencyKey });
      settleIntent('remove-address');
      reload();
      return firstRefusal(removeAddress.userErrors);
    });

  return {
    ...action,
    addresses: isSignedIn
      ? (found?.toSorted((a, b) => Number(b.isDefaultShipping) - Number(a.isDefaultShipping)) ?? null)
      : [],
    unknown: error === undefined ? null : toApiError(error).message,
    problems,
    save,
    remove,
    reload,
  };
}
