import { addressGroup } from '../shared/values/address-group.ts';
import type { WindowLimit } from './window-limit.ts';

/** How many registrations one address may ask for: accounts cost a hash and a row, and answers tell which numbers have one. */
export type RegistrationLimit = {
  /** Throws TOO_MANY_REQUESTS. An undefined address is one of ours. Rejects when Redis doesn't answer. */
  count(address: string | undefined): Promise<void>;
};

/** Counts an IPv6 address by its /64. */
export const createRegistrationLimit = (
  limit: WindowLimit,
  { maxRegistrationsPerAddress: max }: { maxRegistrationsPerAddress: number },
): RegistrationLimit => ({
  async count(address) {
    if (address === undefined) return;
    const refusal = 'Too many accounts were asked for from this address';
    await limit.count({ what: 'registrations:address', of: addressGroup(address), max, refusal });
  },
});
