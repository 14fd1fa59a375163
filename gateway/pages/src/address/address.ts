import type { MyAddressesQuery, QuoteOrderQueryVariables } from '../../../../schema/generated/operations.ts';
import { refusalText } from '../language/refusals.ts';

/** An address as the API takes it. */
export type Address = NonNullable<QuoteOrderQueryVariables['input']['shippingAddress']>;
export type BookAddress = NonNullable<MyAddressesQuery['me']>['addresses'][number];

/** What is typed into a form: a text for each field, empty where nothing is given. */
export type Entered = Readonly<Record<AddressField, string>>;
export type AddressField = 'name' | 'line1' | 'line2' | 'postalCode' | 'city' | 'region' | 'countryCode' | 'phone';
/** What is wrong, by field. */
export type AddressProblems = Readonly<Partial<Record<AddressField, string>>>;

export const nothingEntered: Entered = {
  name: '',
  line1: '',
  line2: '',
  postalCode: '',
  city: '',
  region: '',
  countryCode: '',
  phone: '',
};

const optional = ['line2', 'postalCode', 'region', 'phone'] as const;

/** What was entered, as the API takes it: without what is empty. */
export function addressOf(entered: Entered): Address {
  const { name, line1, city, countryCode } = entered;
  const given = optional.filter((field) => entered[field].trim() !== '');
  return { name, line1, city, countryCode, ...Object.fromEntries(given.map((field) => [field, entered[field]])) };
}

/** A kept address, to be changed in a form. */
export const enteredOf = ({ address }: Pick<BookAddress, 'address'>): Entered => ({
  ...nothingEntered,
  ...Object.fromEntries((Object.keys(nothingEntered) as AddressField[]).map((field) => [field, address[field] ?? ''])),
});

type Refusal = { readonly code: string; readonly message: string; readonly path?: readonly string[] | null };

const isField = (name: string | undefined): name is AddressField => name !== undefined && name in nothingEntered;

/** Refusals of an address by the field that each is about; what is about none of them is in `rest`. */
export function sortedProblems(refusals: readonly Refusal[]): { fields: AddressProblems; rest: readonly string[] } {
  const fields: Partial<Record<AddressField, string>> = {};
  const rest: string[] = [];
  for (const refusal of refusals) {
    const field = refusal.path?.at(-1);
    if (isField(field)) fields[field] ??= refusalText(refusal);
    else rest.push(refusalText(refusal));
  }
  return { fields, rest };
}
