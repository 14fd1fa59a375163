import { type Refusal, conflictError, notFoundError, validationError } from '../../shared/errors/errors.ts';
import { type PostalAddress, type PostalAddressInput, addressRefusals } from '../../shared/values/postal-address.ts';
import { brokenTextRule } from '../../shared/values/text.ts';

export type Defaults = { readonly isDefaultShipping: boolean; readonly isDefaultBilling: boolean };

/** An address in a user's book. */
export type Address = Defaults & {
  readonly id: string;
  readonly userId: string;
  readonly label: string | null;
  readonly address: PostalAddress;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: number;
};

/** How many addresses a book has at most. */
export const maxAddresses = 50;
const maxLabelLength = 64;

/** What `saveAddress` is asked. */
export type AddressInput = {
  readonly id?: string | null;
  readonly address: PostalAddressInput;
  readonly label?: string | null;
  readonly asDefaultShipping?: boolean | null;
  readonly asDefaultBilling?: boolean | null;
  readonly expectedVersion?: number | null;
};

/** The label as it is kept. */
export const labelOfInput = ({ label }: AddressInput): string | null => label?.normalize('NFC').trim() || null;

/** What is wrong with the input by itself. */
export function addressInputRefusals({ address, label }: AddressInput): Refusal[] {
  const broken = brokenTextRule((label ?? '').normalize('NFC'), { min: 0, max: maxLabelLength, lines: false });
  return [
    ...addressRefusals(address, ['address']),
    ...(broken === null ? [] : [validationError(`It ${broken}.`, ['label'])]),
  ];
}

export const unknownAddress = (id: string): Refusal => notFoundError('Your address book has no such address.', id, ['id']); // prettier-ignore

export const bookIsFull = (): Refusal =>
  validationError(`An address book has at most ${maxAddresses} addresses: remove one first.`, ['address']);

/** Null when the address may be changed. */
export const versionRefusal = (address: Address, expectedVersion: number | null | undefined): Refusal | null =>
  expectedVersion === null || expectedVersion === undefined || expectedVersion === address.version
    ? null
    : conflictError('The address was changed in the meantime: read it again.', {
        expectedVersion,
        actualVersion: address.version,
      });
