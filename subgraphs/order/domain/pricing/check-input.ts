import { type Refusal, validationError } from '../../../shared/errors/errors.ts';
import { isCurrency } from '../../../shared/values/currencies.ts';
import { type PostalAddressInput, addressRefusals } from '../../../shared/values/postal-address.ts';
import { brokenTextRule } from '../../../shared/values/text.ts';
import type { LineInput, Stay } from '../line.ts';
import { maxCouponCodes } from './promotion.ts';
import { checkStay, maxNightsPerOrder, nightsOf } from '../stay.ts';
import { type TypeRules, maxExtensionBytes } from '../type-rules.ts';

/*
 * What a client may ask for, before anything is known of the products. Pure.
 */

export type PlaceOrderInput = {
  readonly type: string;
  readonly lines: readonly LineInput[];
  readonly currency: string;
  readonly remark?: string | null | undefined;
  readonly couponCodes?: readonly string[] | null | undefined;
  readonly extension?: unknown;
  readonly clientReference?: string | null | undefined;
  readonly shippingAddress?: PostalAddressInput | null | undefined;
  /** Of the customer's address book. */
  readonly shippingAddressId?: string | null | undefined;
  readonly billingAddress?: PostalAddressInput | null | undefined;
  readonly billingAddressId?: string | null | undefined;
  readonly shippingMethod?: string | null | undefined;
  /** Minor units. */
  readonly expectedTotal?: number | null | undefined;
};

export const maxLines = 100;
export const maxQuantity = 10_000;
/** Codes of extras that one line may ask for: a product has at most so many. */
export const maxLineAddOns = 20;
export const maxRemarkLength = 1_024;
export const maxClientReferenceLength = 64;

/** A wanted line after merging, which stays are left out of; `index` is that of the first input line it came from. */
export type WantedLine = {
  readonly index: number;
  readonly productId: string;
  readonly quantity: number;
  readonly addOns: readonly string[];
  readonly stay: Stay | null;
  readonly expectedUnitPrices: readonly number[];
};

/** The lines that can be asked for, equal ones merged, and all that is wrong with the input by itself. */
export function checkInput(
  input: PlaceOrderInput,
  type: TypeRules | null,
): { readonly lines: readonly WantedLine[]; readonly refusals: readonly Refusal[] } {
  const refusals: Refusal[] = [];
  const invalid = (message: string, ...path: string[]) => refusals.push(validationError(message, ['input', ...path]));

  if (!type) invalid('type: there is no such order type; see orderTypes.', 'type');
  if (!isCurrency(input.currency)) invalid('currency: is the code of a currency of ISO 4217, e.g. EUR.', 'currency');
  if (input.lines.length < 1 || input.lines.length > maxLines) invalid(`lines: takes 1 to ${maxLines} lines.`, 'lines');
  const remark = brokenTextRule(input.remark ?? '', { min: 0, max: maxRemarkLength, lines: true });
  if (remark !== null) invalid(`remark: ${remark}.`, 'remark');
  if ((input.couponCodes?.length ?? 0) > maxCouponCodes)
    invalid(`couponCodes: takes at most ${maxCouponCodes} codes.`, 'couponCodes');
  const reference = input.clientReference;
  if (reference !== null && reference !== undefined && !/^[\x20-\x7e]{1,64}$/.test(reference)) {
    invalid(`clientReference: has 1 to ${maxClientReferenceLength} printable ASCII characters.`, 'clientReference');
  }
  if (type) refusals.push(...checkExtension(input.extension, type));
  refusals.push(...checkAddresses(input));

  const merged = new Map<string, WantedLine>();
  for (const [index, line] of input.lines.slice(0, maxLines).entries()) {
    if (line.quantity < 1 || line.quantity > maxQuantity) {
      invalid(`quantity: is within 1 and ${maxQuantity}.`, 'lines', String(index), 'quantity');
      continue;
    }
    if ((line.addOns?.length ?? 0) > maxLineAddOns) {
      invalid(`addOns: takes at most ${maxLineAddOns} codes.`, 'lines', String(index), 'addOns');
      continue;
    }
    const brokenStay = type ? checkStay(line, index, type) : [];
    if (brokenStay.length > 0) {
      refusals.push(...brokenStay);
      continue;
    }
    const { stayFrom, stayTo, guests } = line;
    const stay = stayFrom && stayTo && guests ? { from: stayFrom, to: stayTo, guests } : null;
    const addOns = [...new Set(line.addOns ?? [])].toSorted();
    // Guests belong to the rooms of their own line, so stays are not merged.
    const key = JSON.stringify([line.productId, addOns, stay === null ? null : index]);
    const before = merged.get(key);
    const quantity = (before?.quantity ?? 0) + line.quantity;
    if (quantity > maxQuantity)
      invalid(`quantity: equal lines together have at most ${maxQuantity}.`, 'lines', String(index), 'quantity');
    const expected = line.expectedUnitPrice ?? null;
    merged.set(key, {
      index: before?.index ?? index,
      productId: line.productId,
      quantity,
      addOns,
      stay,
      expectedUnitPrices: [...(before?.expectedUnitPrices ?? []), ...(expected === null ? [] : [expected])],
    });
  }
  const nights = [...merged.values()].reduce((sum, { stay }) => sum + (stay === null ? 0 : nightsOf(stay)), 0);
  if (nights > maxNightsPerOrder) invalid(`lines: an order has at most ${maxNightsPerOrder} nights.`, 'lines');
  return { lines: [...merged.values()], refusals };
}

function checkAddresses(input: PlaceOrderInput): Refusal[] {
  return (['shippingAddress', 'billingAddress'] as const).flatMap((field) => {
    const address = input[field];
    if (!address) return [];
    const path = ['input', field];
    return input[`${field}Id`]
      ? [validationError(`${field}: give either the address or ${field}Id.`, path)]
      : addressRefusals(address, path);
  });
}

function checkExtension(extension: unknown, type: TypeRules): Refusal[] {
  if (extension === null || extension === undefined) return [];
  const path = ['input', 'extension'];
  if (!type.extension) return [validationError(`extension: orders of type ${type.code} take none.`, path)];
  if (Buffer.byteLength(JSON.stringify(extension)) > maxExtensionBytes)
    return [validationError(`extension: has at most ${maxExtensionBytes} bytes as JSON.`, path)];
  const result = type.extension.safeParse(extension);
  if (result.success) return [];
  return result.error.issues.map((issue) =>
    validationError(`extension: ${issue.message}`, [...path, ...issue.path.map(String)]),
  );
}
