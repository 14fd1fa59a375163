import { type Viewer, isStaff } from '../../shared/auth/viewer.ts';
import { type Refusal, notFoundError } from '../../shared/errors/errors.ts';
import { isId } from '../../shared/values/ids.ts';
import { dateIn } from '../../shared/values/local-date.ts';
import { type PostalAddress, addressRefusals, normalisedAddress } from '../../shared/values/postal-address.ts';
import type { Guesser } from '../coupon-guesses.ts';
import type { OrderDeps } from '../deps.ts';
import type { PlaceOrderInput, WantedLine } from '../domain/pricing/check-input.ts';
import { type PricedItem, type ProductSnapshot, priceLines } from '../domain/pricing/price-lines.ts';
import { promotionDiscounts } from '../domain/pricing/discount-rule.ts';
import { type OfferedPromotion, couponCode, maxCouponCodes, tooManyTries } from '../domain/pricing/promotion.ts';
import { type Quote, type Terms, isShipped, quoteOf } from '../domain/pricing/quote.ts';
import type { Place, RatesByCategory } from '../domain/pricing/tax.ts';
import { findOffered } from '../promotion-store.ts';
import type { OrderType } from '../types/order-type.ts';

/** What is to be priced: by a quote, or for an order that is placed. */
export type PriceRequest = {
  readonly type: OrderType;
  readonly lines: readonly WantedLine[];
  readonly input: PlaceOrderInput;
  /** Whose address book counts; null for nobody's. */
  readonly customerId: string | null;
  /** Who asks, perhaps for another. */
  readonly viewer: Viewer;
  /** Whose wrong coupon codes are counted. */
  readonly guesser: Guesser;
  readonly traceId: string;
  /** Asks how much there is in stock, too. Default false. */
  readonly withStock?: boolean;
};

/** An order with its whole price. */
export type PricedOrder = {
  readonly currency: string;
  readonly items: readonly PricedItem[];
  readonly terms: Terms;
  readonly quote: Quote;
  readonly shippingAddress: PostalAddress | null;
  readonly billingAddress: PostalAddress | null;
  /** All that stands in the way. */
  readonly refusals: readonly Refusal[];
};

/** The codes that are looked at: of too many, which `checkInput` refuses, a quote is priced with the first. */
const codesOf = ({ couponCodes }: PlaceOrderInput): readonly string[] => (couponCodes ?? []).slice(0, maxCouponCodes);

type Deps = Pick<OrderDeps, 'db' | 'call' | 'config' | 'now' | 'newId' | 'priceBook' | 'taxProvider' | 'couponGuesses'>;

const noRates: RatesByCategory = new Map();

/**
 * Prices an order by its products, the rules of the shop and where it goes. Asks the product service, and the user service where
 * an address of the address book is needed.
 */
export async function priceOrder(deps: Deps, request: PriceRequest): Promise<PricedOrder> {
  const { type, input } = request;
  const at = deps.now();
  const { currency, shippingAddressId, billingAddressId } = input;
  const [products, rules, { promotions, waitMs }, askedBook] = await Promise.all([
    fetchProducts(deps, request),
    deps.priceBook.read(),
    readOffered(deps, request, at),
    shippingAddressId || billingAddressId ? readBook(deps, request) : null,
  ]);
  const today = dateIn(deps.config.shopTimeZone, at);
  const newId = () => deps.newId(request.customerId ?? undefined);
  const { viewer } = request;
  const seesDrafts = (sellerId: string | null): boolean =>
    isStaff(viewer) || (viewer.kind === 'user' && viewer.userId === sellerId);
  const { items, refusals } = priceLines(request.lines, products, { currency, type, today, newId, seesDrafts });
  const needsAddress = rules.methods.length > 0 && items.some(({ line }) => isShipped(line));
  const book = askedBook ?? (needsAddress && !input.shippingAddress ? await readBook(deps, request) : null);
  const addresses = addressesOf(input, book, needsAddress);
  const shop: Place = { countryCode: deps.config.shopCountry, region: null };
  const destination = addresses.shipping ?? shop;
  const [ratesThere, ratesHere] = type.taxed
    ? await Promise.all([deps.taxProvider.ratesAt(destination, at), deps.taxProvider.ratesAt(shop, at)])
    : [noRates, noRates];
  const terms: Terms = {
    currency,
    pricesIncludeTax: deps.config.pricesIncludeTax,
    destination,
    hasAddress: addresses.shipping !== null || Boolean(input.shippingAddress ?? input.shippingAddressId),
    methods: rules.methods,
    shippingMethod: input.shippingMethod ?? null,
    rates: { destination: ratesThere, shop: ratesHere },
    discountsOf: promotionDiscounts({
      promotions,
      codes: waitMs === null ? codesOf(input) : [],
      currency,
      at,
      isTaken: type.takesPromotions,
    }),
  };
  const quote = quoteOf(items, terms);
  return {
    currency,
    items,
    terms,
    quote,
    shippingAddress: addresses.shipping,
    billingAddress: addresses.billing,
    refusals: [
      ...refusals,
      ...addresses.refusals,
      ...quote.refusals,
      ...(waitMs === null ? [] : codesOf(input).map((coupon, index) => tooManyTries({ coupon, index }, waitMs))),
      ...(refusals.length === 0 ? rejections(request, quote, today) : []),
    ],
  };
}

type Offered = {
  readonly promotions: readonly OfferedPromotion[];
  /** How long nothing is told of codes to who asks, in ms; null where it is. */
  readonly waitMs: number | null;
};

/** The promotions that the order may get. Nothing is read where none applies by itself and no code is given. */
async function readOffered(
  { db, priceBook, couponGuesses }: Deps,
  { customerId, guesser, input }: PriceRequest,
  at: Date,
): Promise<Offered> {
  const codes = [...new Set(codesOf(input).flatMap((typed) => couponCode(typed) ?? []))];
  const { hasAutomatic } = await priceBook.read();
  const promotions = codes.length > 0 || hasAutomatic ? await findOffered(db.em(), { customerId, codes, at }) : [];
  if (codes.length === 0 || guesser === null) return { promotions, waitMs: null };
  const known = new Set(promotions.filter(({ active }) => active).map(({ code }) => code));
  const wrong = codes.filter((code) => !known.has(code)).length;
  return { promotions, waitMs: await couponGuesses.count(guesser, wrong) };
}

/** What the order's type has against it as a whole. */
function rejections({ type, input, customerId }: PriceRequest, quote: Quote, today: string): readonly Refusal[] {
  const { lines, totalMinor } = quote;
  if (type.validate === null || lines.length === 0) return [];
  const draft = { customerId, lines, totalMinor, today, currency: input.currency, extension: input.extension ?? null };
  return type.validate(draft).map(({ cause, message, path }) => ({
    __typename: 'BusinessRejectedError',
    code: 'BUSINESS_REJECTED',
    message,
    path: path ?? ['input'],
    cause,
  }));
}

const productsQuery = (name: string, more: string) => `query ${name}($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on Product {
      id sku kind name subtitle cover status maxGuests price { amount currency } marketPrice { amount currency } seller { id }
      taxCategory weightGrams categoryIds addOns { code name unitPrice { amount currency } perPerson perNight } ${more}
    }
  }
}`;
const forOrder = productsQuery('ProductsForOrder', '');
const forQuote = productsQuery('ProductsForQuote', 'stock { available }');

async function fetchProducts(
  deps: Deps,
  { lines, traceId, withStock = false }: PriceRequest,
): Promise<ReadonlyMap<string, ProductSnapshot>> {
  const ids = [...new Set(lines.map(({ productId }) => productId))].filter(isId);
  if (ids.length === 0) return new Map();
  const { _entities: products } = await deps.call<{ _entities: (ProductSnapshot | null)[] }>('product', {
    query: withStock ? forQuote : forOrder,
    variables: { representations: ids.map((id) => ({ __typename: 'Product', id })) },
    traceId,
  });
  return new Map(products.filter((product) => product !== null).map((product) => [product.id, product]));
}

type Book = { readonly shipping: PostalAddress | null; readonly billing: PostalAddress | null };

const addressFields = 'name company line1 line2 city region postalCode countryCode phone';
const bookQuery = `query AddressesForOrder($customerId: ID!, $shippingAddressId: ID, $billingAddressId: ID) {
  customerAddresses(customerId: $customerId, shippingAddressId: $shippingAddressId, billingAddressId: $billingAddressId) {
    shipping { ${addressFields} } billing { ${addressFields} }
  }
}`;

/** The addresses that are asked for, and the default ones for what isn't. */
async function readBook(deps: Deps, { customerId, input, traceId }: PriceRequest): Promise<Book> {
  if (customerId === null) return { shipping: null, billing: null };
  const { shippingAddressId = null, billingAddressId = null } = input;
  const variables = { customerId, shippingAddressId, billingAddressId };
  const { customerAddresses } = await deps.call<{ customerAddresses: Book }>('user', { query: bookQuery, variables, traceId }); // prettier-ignore
  return customerAddresses;
}

/**
 * The addresses of the order: as given, or of the book; the default one is shipped to only where an address is needed. One that
 * is refused by itself counts as none.
 */
function addressesOf(
  input: PlaceOrderInput,
  book: Book | null,
  needsAddress: boolean,
): Book & { readonly refusals: readonly Refusal[] } {
  const given = (field: 'shippingAddress' | 'billingAddress'): PostalAddress | null => {
    const address = input[field];
    return address && addressRefusals(address, []).length === 0 ? normalisedAddress(address) : null;
  };
  const missing = (['shipping', 'billing'] as const).flatMap((which) => {
    const field = `${which}AddressId` as const;
    const id = input[field];
    return id && book?.[which] === null
      ? [notFoundError('There is no such address in your address book.', id, ['input', field])]
      : [];
  });
  const hasShipping = input.shippingAddress !== null && input.shippingAddress !== undefined;
  const hasBilling = input.billingAddress !== null && input.billingAddress !== undefined;
  return {
    shipping: hasShipping
      ? given('shippingAddress')
      : needsAddress || input.shippingAddressId
        ? (book?.shipping ?? null)
        : null,
    billing: hasBilling
      ? given('billingAddress')
      : hasShipping && !input.billingAddressId
        ? null
        : (book?.billing ?? null),
    refusals: missing,
  };
}
