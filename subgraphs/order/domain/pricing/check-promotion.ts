import { type Refusal, validationError } from '../../../shared/errors/errors.ts';
import { isCurrency } from '../../../shared/values/currencies.ts';
import { isId } from '../../../shared/values/ids.ts';
import { type MoneyJson, maxAmountMinor } from '../../../shared/values/money.ts';
import { brokenTextRule } from '../../../shared/values/text.ts';
import { type Promotion, type PromotionKind, couponCode } from './promotion.ts';

/** A promotion as staff write it. What is left out, or null, is as the API says of its field. */
export type PromotionInput = {
  readonly name: string;
  readonly kind: PromotionKind;
  readonly code?: string | null | undefined;
  readonly valuePpm?: number | null | undefined;
  readonly value?: MoneyJson | null | undefined;
  readonly buyQuantity?: number | null | undefined;
  readonly getQuantity?: number | null | undefined;
  readonly productIds?: readonly string[] | null | undefined;
  readonly categoryIds?: readonly string[] | null | undefined;
  readonly minimumSubtotal?: MoneyJson | null | undefined;
  readonly combinable?: boolean | null | undefined;
  readonly startsAt?: Date | null | undefined;
  readonly endsAt?: Date | null | undefined;
  readonly usageLimit?: number | null | undefined;
  readonly usagePerCustomer?: number | null | undefined;
  readonly active?: boolean | null | undefined;
  readonly expectedVersion?: number | null | undefined;
};

/** What staff decide of a promotion. */
export type PromotionContent = Omit<Promotion, 'id' | 'used' | 'version'>;

/** Promotions that apply by themselves, now or later: each quote looks at all of them. */
export const maxAutomatic = 100;
export const maxNameLength = 200;
/** Products, or categories, that one promotion names. */
export const maxScope = 500;
export const maxBundleQuantity = 10_000;
export const maxUsage = 1_000_000_000;
const millionPpm = 1_000_000;

type Invalid = (field: string, rule: string) => void;

/** What a kind needs beside what all take; all the others of these fields it does not take. */
const ownFields: Readonly<Record<PromotionKind, readonly (keyof PromotionInput)[]>> = {
  PERCENT: ['valuePpm'],
  FIXED: ['value'],
  FREE_SHIPPING: [],
  BUY_X_GET_Y: ['buyQuantity', 'getQuantity'],
};
const optionalFields: Readonly<Partial<Record<PromotionKind, readonly (keyof PromotionInput)[]>>> = {
  BUY_X_GET_Y: ['valuePpm'],
};
const kindFields = ['valuePpm', 'value', 'buyQuantity', 'getQuantity'] as const;

/** The promotion that the input describes, or all that is wrong with it. `at`: when it starts where no time is given. */
export function checkPromotion(
  input: PromotionInput,
  at: Date,
): { readonly content: PromotionContent } | { readonly refusals: readonly Refusal[] } {
  const refusals: Refusal[] = [];
  const invalid: Invalid = (field, rule) => refusals.push(validationError(`${field}: ${rule}`, ['input', field]));
  const name = input.name.trim();
  const broken = brokenTextRule(name, { min: 1, max: maxNameLength, lines: false });
  if (broken !== null) invalid('name', `${broken}.`);
  const code = input.code === null || input.code === undefined ? null : couponCode(input.code);
  if (code === null && input.code !== null && input.code !== undefined)
    invalid('code', 'has 1 to 32 letters, digits, hyphens and underscores.');
  checkKind(input, invalid);
  checkNumbers(input, invalid);
  checkMoney(input, invalid);
  for (const field of ['productIds', 'categoryIds'] as const) checkScope(field, input[field], invalid);
  const startsAt = input.startsAt ?? at;
  if (input.endsAt && input.endsAt.getTime() <= startsAt.getTime()) invalid('endsAt', 'must be after startsAt.');
  if (refusals.length > 0) return { refusals };
  const { value, minimumSubtotal } = input;
  return {
    content: {
      name,
      kind: input.kind,
      code,
      valuePpm: input.valuePpm ?? null,
      valueMinor: value ? BigInt(value.amount) : null,
      currency: value?.currency ?? minimumSubtotal?.currency ?? null,
      buyQuantity: input.buyQuantity ?? null,
      getQuantity: input.getQuantity ?? null,
      productIds: distinct(input.productIds),
      categoryIds: distinct(input.categoryIds),
      minimumMinor: minimumSubtotal ? BigInt(minimumSubtotal.amount) : null,
      combinable: input.combinable ?? false,
      startsAt,
      endsAt: input.endsAt ?? null,
      usageLimit: input.usageLimit ?? null,
      usagePerCustomer: input.usagePerCustomer ?? null,
      active: input.active ?? true,
    },
  };
}

const distinct = (ids: readonly string[] | null | undefined): readonly string[] | null =>
  ids ? [...new Set(ids)].toSorted() : null;

const isGiven = (value: unknown): boolean => value !== null && value !== undefined;

function checkKind(input: PromotionInput, invalid: Invalid): void {
  const needed = ownFields[input.kind];
  const taken = [...needed, ...(optionalFields[input.kind] ?? [])];
  for (const field of kindFields) {
    if (needed.includes(field) && !isGiven(input[field])) invalid(field, `is required for ${input.kind}.`);
    if (!taken.includes(field) && isGiven(input[field])) invalid(field, `is not for ${input.kind}.`);
  }
}

function checkNumbers(input: PromotionInput, invalid: Invalid): void {
  const bounds = {
    valuePpm: millionPpm,
    buyQuantity: maxBundleQuantity,
    getQuantity: maxBundleQuantity,
    usageLimit: maxUsage,
    usagePerCustomer: maxUsage,
  };
  for (const field of Object.keys(bounds) as (keyof typeof bounds)[]) {
    const given = input[field];
    if (typeof given === 'number' && (given < 1 || given > bounds[field]))
      invalid(field, `must be between 1 and ${bounds[field]}.`);
  }
}

function checkMoney(input: PromotionInput, invalid: Invalid): void {
  const { value, minimumSubtotal } = input;
  for (const [field, money] of Object.entries({ value, minimumSubtotal })) {
    if (!money) continue;
    if (money.amount < 1 || BigInt(money.amount) > maxAmountMinor) invalid(field, 'must be at least 1 minor unit.');
    if (!isCurrency(money.currency)) invalid(field, 'needs the code of a currency of ISO 4217, e.g. EUR.');
  }
  if (value && minimumSubtotal && value.currency !== minimumSubtotal.currency)
    invalid('minimumSubtotal', 'must have the currency of value.');
}

function checkScope(field: string, ids: readonly string[] | null | undefined, invalid: Invalid): void {
  if (!ids) return;
  if (ids.length < 1 || ids.length > maxScope) invalid(field, `takes 1 to ${maxScope} ids; leave it out for all.`);
  else if (!ids.every(isId)) invalid(field, 'takes ids only.');
}
