import type {
  CreateProductInput,
  ProductKind,
  ProductStatus,
  StaffProductQuery,
  UpdateProductInput,
} from '../../../../../schema/generated/operations.ts';
import { decimalText } from '../../../../../subgraphs/shared/values/currencies.ts';
import { minorOf, numberOf, optionalNumberOf, textOf } from '../rules/numbers.ts';

export type StaffProduct = NonNullable<StaffProductQuery['product']>;

const usualCurrency = 'EUR';
const usualKind: ProductKind = 'STOCKED';

/** What is typed of an add-on. */
export type EnteredAddOn = { code: string; name: string; price: string; perPerson: boolean; perNight: boolean };
export type Entered = ReturnType<typeof enteredOf>;

/** The form of a product, filled in; of a new one with what is usual. */
export function enteredOf(product: StaffProduct | null) {
  const currency = product?.price.currency ?? usualCurrency;
  const decimal = (money: { amount: number } | null | undefined) => (money ? decimalText(money.amount, currency) : '');
  const status: ProductStatus = product?.status ?? 'DRAFT';
  return {
    sku: product?.sku ?? '',
    kind: product?.kind ?? usualKind,
    name: product?.name ?? '',
    subtitle: product?.subtitle ?? '',
    description: product?.description ?? '',
    currency,
    price: decimal(product?.price),
    marketPrice: decimal(product?.marketPrice),
    cover: product?.cover ?? '',
    images: product?.images.join('\n') ?? '',
    status,
    categoryId: product?.category?.id ?? '',
    taxCategory: product?.taxCategory ?? 'standard',
    weight: textOf(product?.weightGrams ?? null),
    threshold: textOf(product?.stock?.lowStockThreshold ?? null),
    onHand: '0',
    capacity: textOf(product?.capacity ?? null),
    maxGuests: textOf(product?.maxGuests ?? null),
    addOns: (product?.addOns ?? []).map(({ code, name, unitPrice, perPerson, perNight }): EnteredAddOn => ({
      code,
      name,
      price: decimal(unitPrice),
      perPerson,
      perNight,
    })),
  };
}

/** What both a new product and a changed one take; the sentence that says why not, when an amount is none. */
function commonOf(entered: Entered) {
  const { currency } = entered;
  const money = (text: string) => {
    const amount = text.trim() === '' ? null : minorOf(text, currency);
    return amount === null ? null : { amount, currency };
  };
  const price = money(entered.price);
  if (price === null) return 'The price is no amount, e.g. 19.90.';
  const addOns = entered.addOns.map(({ code, name, price: typed, perPerson, perNight }) => {
    const unitPrice = money(typed);
    return { code: code.trim(), name: name.trim(), unitPrice, perPerson, perNight };
  });
  const complete = addOns.flatMap(({ unitPrice, ...addOn }) => (unitPrice === null ? [] : [{ ...addOn, unitPrice }]));
  if (complete.length < addOns.length) return 'The price of an add-on is no amount.';
  const marketPrice = money(entered.marketPrice);
  if (marketPrice === null && entered.marketPrice.trim() !== '') return 'The price to compare with is no amount.';
  return {
    name: entered.name.trim(),
    subtitle: entered.subtitle.trim() || null,
    description: entered.description,
    price,
    marketPrice,
    cover: entered.cover.trim() || null,
    images: entered.images
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== ''),
    addOns: complete,
    status: entered.status,
    categoryId: entered.categoryId || null,
    taxCategory: entered.taxCategory.trim(),
    ...(entered.kind === 'STOCKED' && { weightGrams: optionalNumberOf(entered.weight) }),
    ...(entered.kind === 'BOOKABLE' && {
      capacity: optionalNumberOf(entered.capacity),
      maxGuests: optionalNumberOf(entered.maxGuests),
    }),
  };
}

/** A new product as the API takes it, or the sentence that says what is wrong. */
export function newProductOf(entered: Entered): CreateProductInput | string {
  const common = commonOf(entered);
  if (typeof common === 'string') return common;
  const { sku, kind } = entered;
  return { ...common, sku: sku.trim(), kind, initialOnHand: kind === 'STOCKED' ? (numberOf(entered.onHand) ?? 0) : 0 };
}

/** Only what differs from the product, as the API takes it; or the sentence that says what is wrong. */
export function changesOf(entered: Entered, product: StaffProduct): UpdateProductInput | string {
  const [wanted, before] = [commonOf(entered), commonOf(enteredOf(product))];
  if (typeof wanted === 'string') return wanted;
  const known: Readonly<Record<string, unknown>> = typeof before === 'string' ? {} : before;
  const changed = Object.entries(wanted).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(known[name]),
  );
  const threshold = numberOf(entered.threshold);
  return {
    ...Object.fromEntries(changed),
    ...(product.stock !== null &&
      threshold !== null &&
      threshold !== product.stock.lowStockThreshold && { lowStockThreshold: threshold }),
    id: product.id,
    expectedVersion: product.version,
  };
}
