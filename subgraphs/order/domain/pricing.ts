import { type Refusal, notFoundError, validationError } from '../../shared/errors/errors.ts';
import { isCurrency } from '../../shared/values/currencies.ts';
import { type MoneyJson, money, multiply, sum } from '../../shared/values/money.ts';
import { brokenTextRule } from '../../shared/values/text.ts';
import type { LineAddOn, LineInput, PricedLine, ProductKind, Stay } from './line.ts';
import { checkStay, checkStayAt, maxNightsPerOrder, nightsOf } from './stay.ts';
import { type TypeRules, maxExtensionBytes } from './type-rules.ts';

/*
 * From what the client sent and what the product service says to the lines of an order. Pure.
 */

export type PlaceOrderInput = {
  readonly type: string;
  readonly lines: readonly LineInput[];
  readonly currency: string;
  readonly remark?: string | null | undefined;
  readonly couponCodes?: readonly string[] | null | undefined;
  readonly extension?: unknown;
  readonly clientReference?: string | null | undefined;
};

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
  readonly addOns: readonly AddOnSnapshot[];
};

type AddOnSnapshot = {
  readonly code: string;
  readonly name: string;
  readonly unitPrice: MoneyJson;
  readonly perPerson: boolean;
  readonly perNight: boolean;
};

export const maxLines = 100;
export const maxQuantity = 10_000;
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

/** All that is wrong with the input by itself, and otherwise its lines with equal ones merged. */
export function checkInput(
  input: PlaceOrderInput,
  type: TypeRules | null,
): { lines: readonly WantedLine[] } | { refusals: readonly Refusal[] } {
  const refusals: Refusal[] = [];
  const invalid = (message: string, ...path: string[]) => refusals.push(validationError(message, ['input', ...path]));

  if (!type) invalid('type: there is no such order type; see orderTypes.', 'type');
  if (!isCurrency(input.currency)) invalid('currency: is the code of a currency of ISO 4217, e.g. EUR.', 'currency');
  if (input.lines.length < 1 || input.lines.length > maxLines) invalid(`lines: takes 1 to ${maxLines} lines.`, 'lines');
  const remark = brokenTextRule(input.remark ?? '', { min: 0, max: maxRemarkLength, lines: true });
  if (remark !== null) invalid(`remark: ${remark}.`, 'remark');
  if (input.couponCodes?.length) invalid('couponCodes: this code does not exist.', 'couponCodes', '0');
  const reference = input.clientReference;
  if (reference !== null && reference !== undefined && !/^[\x20-\x7e]{1,64}$/.test(reference)) {
    invalid(`clientReference: has 1 to ${maxClientReferenceLength} printable ASCII characters.`, 'clientReference');
  }
  if (type) refusals.push(...checkExtension(input.extension, type));

  const merged = new Map<string, WantedLine>();
  for (const [index, line] of input.lines.slice(0, maxLines).entries()) {
    if (line.quantity < 1 || line.quantity > maxQuantity) {
      invalid(`quantity: is within 1 and ${maxQuantity}.`, 'lines', String(index), 'quantity');
      continue;
    }
    if (type) refusals.push(...checkStay(line, index, type));
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
  return refusals.length > 0 ? { refusals } : { lines: [...merged.values()] };
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

export type Priced = { readonly lines: readonly PricedLine[]; readonly totalMinor: bigint };

/** What an order's lines are priced for; `today` is the shop's date. */
export type PricedFor = {
  readonly currency: string;
  readonly type: TypeRules;
  readonly today: string;
  readonly newId: () => string;
};

/** Prices the lines, or says all that stands in the way. `products` holds what the product service knows of them. */
export function priceLines(
  wanted: readonly WantedLine[],
  products: ReadonlyMap<string, ProductSnapshot>,
  order: PricedFor,
): Priced | { refusals: readonly Refusal[] } {
  const refusals: Refusal[] = [];
  const lines: PricedLine[] = [];
  try {
    for (const line of wanted) {
      const product = products.get(line.productId);
      const refused = checkProduct(line, product, order);
      if (!product || refused.length > 0) refusals.push(...refused);
      else lines.push(priceLine(line, product, order));
    }
    if (refusals.length > 0) return { refusals };
    const total = sum(lines.map((line) => money(line.subtotalMinor, order.currency)), order.currency); // prettier-ignore
    return { lines, totalMinor: total.amount };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return {
      refusals: [
        validationError('The total is larger than the platform can handle (2^53 − 1 minor units).', ['input', 'lines']),
      ],
    };
  }
}

function checkProduct(line: WantedLine, product: ProductSnapshot | undefined, order: PricedFor): Refusal[] {
  const path = ['input', 'lines', String(line.index)];
  if (!product) return [notFoundError('There is no such product.', line.productId, [...path, 'productId'])];
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
  const expected = line.expectedUnitPrices.find((price) => price !== product.price.amount);
  if (expected === undefined) return [];
  return [
    {
      __typename: 'PriceChangedError',
      code: 'PRICE_CHANGED',
      message: `${product.name} has another price now; show it and ask again.`,
      path: [...path, 'expectedUnitPrice'],
      productId: product.id,
      expected: { amount: expected, currency: order.currency },
      actual: product.price,
    },
  ];
}

function priceLine(line: WantedLine, product: ProductSnapshot, order: PricedFor): PricedLine {
  const { currency } = order;
  const unitPrice = money(BigInt(product.price.amount), currency);
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
    subtotalMinor: sum([multiply(unitPrice, quantity * nights), ...extras], currency).amount,
    needsFulfilment: order.type.needsFulfilment(product.kind),
    fulfilledQuantity: 0,
    refundedQuantity: 0,
  };
}
