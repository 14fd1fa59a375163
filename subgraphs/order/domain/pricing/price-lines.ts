import { type Refusal, notFoundError, validationError } from '../../../shared/errors/errors.ts';
import { type MoneyJson, money, multiply, sum } from '../../../shared/values/money.ts';
import type { LineAddOn, PricedLine, ProductKind } from '../line.ts';
import { checkStayAt, nightsOf } from '../stay.ts';
import type { TypeRules } from '../type-rules.ts';
import type { WantedLine } from './check-input.ts';

/*
 * From what the client wants and what the product service says to the lines of an order. Pure.
 */

/** A product as the product service describes it to the order service. */
export type ProductSnapshot = {
  readonly id: string;
  readonly sku: string;
  readonly kind: ProductKind;
  readonly name: string;
  readonly subtitle: string | null;
  readonly cover: string | null;
  readonly price: MoneyJson;
  readonly marketPrice: MoneyJson | null;
  readonly status: string;
  /** Guests of one room; null for what is not booked by nights. */
  readonly maxGuests: number | null;
  readonly seller: { readonly id: string } | null;
  /** Which tax rates are due on it. */
  readonly taxCategory: string;
  /** Of one piece; null where it is not known. */
  readonly weightGrams: number | null;
  /** Its category, then that one's parents up to the root. */
  readonly categoryIds: readonly string[];
  /** Only of what a quote asks for; null for kinds without stock. */
  readonly stock?: { readonly available: number } | null;
  readonly addOns: readonly AddOnSnapshot[];
};

type AddOnSnapshot = {
  readonly code: string;
  readonly name: string;
  readonly unitPrice: MoneyJson;
  readonly perPerson: boolean;
  readonly perNight: boolean;
};

/** A line, before discounts and taxes, and its product. */
export type PricedItem = { readonly line: PricedLine; readonly product: ProductSnapshot };

/** The lines that have a price, and all that stands in the way of the others. */
export type Priced = { readonly items: readonly PricedItem[]; readonly refusals: readonly Refusal[] };

/** What an order's lines are priced for; `today` is the shop's date. */
export type PricedFor = {
  readonly currency: string;
  readonly type: TypeRules;
  readonly today: string;
  readonly newId: () => string;
  /** Whether who asks may learn of products of this seller that were never shown. */
  readonly seesDrafts: (sellerId: string | null) => boolean;
};

/** Refuses amounts that no client could be told. */
export const totalTooLarge = () =>
  validationError('The total is larger than the platform can handle (2^53 − 1 minor units).', ['input', 'lines']);

/** Prices the lines. `products` holds what the product service knows of them. */
export function priceLines(
  wanted: readonly WantedLine[],
  products: ReadonlyMap<string, ProductSnapshot>,
  order: PricedFor,
): Priced {
  const refusals: Refusal[] = [];
  const items: PricedItem[] = [];
  try {
    for (const line of wanted) {
      const product = products.get(line.productId);
      const refused = checkProduct(line, product, order);
      if (!product || refused.length > 0) refusals.push(...refused);
      else items.push({ line: priceLine(line, product, order), product });
    }
    sum(items.map(({ line }) => money(line.subtotalMinor, order.currency)), order.currency); // prettier-ignore
    return { items, refusals };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { items: [], refusals: [...refusals, totalTooLarge()] };
  }
}

function checkProduct(line: WantedLine, product: ProductSnapshot | undefined, order: PricedFor): Refusal[] {
  const path = ['input', 'lines', String(line.index)];
  if (!product || (product.status === 'DRAFT' && !order.seesDrafts(product.seller?.id ?? null)))
    return [notFoundError('There is no such product.', line.productId, [...path, 'productId'])];
  const unavailable = (message: string): Refusal => ({
    __typename: 'ProductUnavailableError',
    code: 'PRODUCT_UNAVAILABLE',
    message,
    path: [...path, 'productId'],
    productId: product.id,
  });
  if (product.status !== 'ON_SALE') return [unavailable(`${product.name} is not on sale.`)];
  if (order.type.productKind && order.type.productKind !== product.kind)
    return [unavailable(`Orders of type ${order.type.code} take only ${order.type.productKind} products.`)];
  if (!order.type.productKind && product.kind === 'BOOKABLE')
    return [unavailable(`${product.name} is booked by nights, with an order of type BOOKING.`)];
  const refused = order.type.refuses(product);
  if (refused !== null) return [unavailable(refused)];
  if (product.price.currency !== order.currency) {
    return [
      validationError(`${product.name} is sold in ${product.price.currency}, not in ${order.currency}.`, [
        'input',
        'currency',
      ]),
    ];
  }
  const unknown = line.addOns.filter((code) => !product.addOns.some((addOn) => addOn.code === code));
  if (unknown.length > 0)
    return [validationError(`${product.name} has no add-on ${unknown.join(', ')}.`, [...path, 'addOns'])];
  if (line.stay !== null) {
    const refused = checkStayAt({ ...line, stay: line.stay }, product, order.today);
    if (refused.length > 0) return refused;
  }
  const unitPriceMinor = unitPriceOf(line, product, order.type);
  const expected = line.expectedUnitPrices.find((price) => BigInt(price) !== unitPriceMinor);
  if (expected === undefined) return [];
  return [
    {
      __typename: 'PriceChangedError',
      code: 'PRICE_CHANGED',
      message: `${product.name} has another price now; show it and ask again.`,
      path: [...path, 'expectedUnitPrice'],
      productId: product.id,
      expected: { amount: expected, currency: order.currency },
      actual: { amount: Number(unitPriceMinor), currency: order.currency },
    },
  ];
}

/** The product's price, or what the order's type makes of it. */
function unitPriceOf({ quantity, stay }: WantedLine, product: ProductSnapshot, type: TypeRules): bigint {
  if (type.price === null) return BigInt(product.price.amount);
  const priceMinor = type.price({ product, quantity, stay });
  if (priceMinor < 0n) throw new Error(`order type ${type.code} prices ${product.sku} below zero`);
  return priceMinor;
}

function priceLine(line: WantedLine, product: ProductSnapshot, order: PricedFor): PricedLine {
  const { currency } = order;
  const unitPrice = money(unitPriceOf(line, product, order.type), currency);
  const { quantity, stay } = line;
  const nights = stay === null ? 1 : nightsOf(stay);
  const portions = ({ perPerson, perNight }: AddOnSnapshot): number =>
    stay === null ? quantity : (perPerson ? stay.guests : quantity) * (perNight ? nights : 1);
  const addOns: LineAddOn[] = product.addOns
    .filter(({ code }) => line.addOns.includes(code))
    .map((addOn) => ({
      code: addOn.code,
      name: addOn.name,
      unitPriceMinor: addOn.unitPrice.amount,
      quantity: portions(addOn),
    }));
  const extras = addOns.map((addOn) => multiply(money(BigInt(addOn.unitPriceMinor), currency), addOn.quantity));
  const subtotalMinor = sum([multiply(unitPrice, quantity * nights), ...extras], currency).amount;
  return {
    id: order.newId(),
    productId: product.id,
    sellerId: product.seller?.id ?? null,
    sku: product.sku,
    kind: product.kind,
    title: product.name,
    subtitle: product.subtitle,
    cover: product.cover,
    quantity,
    stay,
    unitPriceMinor: unitPrice.amount,
    marketPriceMinor: product.marketPrice ? BigInt(product.marketPrice.amount) : null,
    addOns,
    subtotalMinor,
    discountMinor: 0n,
    taxMinor: 0n,
    totalMinor: subtotalMinor,
    needsFulfilment: order.type.needsFulfilment(product.kind),
    fulfilledQuantity: 0,
    cancelledQuantity: 0,
    refundedQuantity: 0,
    returnedQuantity: 0,
    unrefundedReturnQuantity: 0,
    restockedQuantity: 0,
  };
}
