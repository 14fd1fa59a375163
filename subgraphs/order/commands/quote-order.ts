import { type Viewer, requireStaff } from '../../shared/auth/viewer.ts';
import { type Refusal, badUserInput, orRefusals } from '../../shared/errors/errors.ts';
import { isCurrency } from '../../shared/values/currencies.ts';
import { guesserOf } from '../coupon-guesses.ts';
import type { OrderDeps } from '../deps.ts';
import type { ChosenShipping } from '../domain/charges.ts';
import { type PlaceOrderInput, checkInput } from '../domain/pricing/check-input.ts';
import type { PricedLine } from '../domain/line.ts';
import { type Quote, noDiscounts, quoteOf, shippingOptionsOf } from '../domain/pricing/quote.ts';
import { insufficientStock } from '../steps/reserve-stock.ts';
import { type PricedOrder, priceOrder } from './price-order.ts';
import { requireCustomer } from './require-customer.ts';

/** A line, and how many pieces there are; null for what has no stock. */
export type QuotedLine = PricedLine & { readonly available: number | null };

/** A quote as the API tells it. */
export type OrderQuote = {
  readonly currency: string;
  readonly quote: Quote;
  readonly lines: readonly QuotedLine[];
  /** Computed where it is asked for: each is a quote of its own. */
  readonly shippingOptions: () => readonly ChosenShipping[];
  readonly userErrors: readonly Refusal[];
};

/** The quote of an order that was priced. */
export const toQuote = (priced: PricedOrder, refusals: readonly Refusal[]): OrderQuote => ({
  currency: priced.currency,
  quote: priced.quote,
  lines: priced.quote.lines.map((line, at) => ({
    ...line,
    available: priced.items[at]?.product.stock?.available ?? null,
  })),
  shippingOptions: () => shippingOptionsOf(priced.items, priced.terms),
  userErrors: refusals,
});

type QuoteRequest = {
  readonly input: PlaceOrderInput;
  /** Set by staff: for whom the order would be placed. */
  readonly customerId: string | null;
  readonly traceId: string;
  readonly clientAddress: string | undefined;
};

/**
 * Prices an order that isn't placed. Nothing is written. Throws BAD_USER_INPUT for a currency that there isn't, and UNAUTHENTICATED
 * or FORBIDDEN for who asks for another customer and is no staff.
 */
export async function quoteOrder(deps: OrderDeps, viewer: Viewer, request: QuoteRequest): Promise<OrderQuote> {
  const { input, traceId } = request;
  const own = viewer.kind === 'user' ? viewer.userId : null;
  const forAnother = request.customerId === own ? null : request.customerId;
  if (forAnother !== null) requireStaff(viewer);
  if (!isCurrency(input.currency))
    throw badUserInput('input.currency: must be the code of a currency of ISO 4217, such as EUR.');
  const type = deps.types.find(input.type);
  const checked = checkInput(input, type);
  if (type === null) return toQuote(nothing(deps, input), checked.refusals);
  const other = forAnother === null ? null : await customerOf(deps, { customerId: forAnother, type, traceId });
  // The type's own rules are for data that fits its schema.
  const fits = !checked.refusals.some(({ path }) => path?.[1] === 'extension');
  const priced = await priceOrder(deps, {
    type,
    lines: checked.lines,
    input: fits ? input : { ...input, extension: null },
    customerId: other === null ? own : other.customerId,
    viewer,
    guesser: guesserOf(viewer, request.clientAddress),
    traceId,
    withStock: true,
  });
  return toQuote(priced, [...(other?.refusals ?? []), ...checked.refusals, ...priced.refusals, ...shortages(priced)]);
}

/** For whom staff quote: nobody in particular, and why, where `placeOrderFor` would refuse the customer. */
const customerOf = (
  deps: OrderDeps,
  asked: Parameters<typeof requireCustomer>[1],
): Promise<{ readonly customerId: string | null; readonly refusals: readonly Refusal[] }> =>
  orRefusals(
    async () => {
      await requireCustomer(deps, asked);
      return { customerId: asked.customerId, refusals: [] };
    },
    (refusals) => ({ customerId: null, refusals }),
  );

/** What there is too little of at this moment. */
function shortages({ items }: PricedOrder): Refusal[] {
  const wanted = Map.groupBy(
    items.filter(({ product }) => product.stock),
    ({ product }) => product.id,
  );
  const short = [...wanted.values()].flatMap((own) => {
    const requested = own.reduce((sum, { line }) => sum + line.quantity, 0);
    const available = own[0]?.product.stock?.available ?? 0;
    return requested > available ? [{ productId: own[0]?.product.id ?? '', requested, available }] : [];
  });
  return short.length > 0 ? [insufficientStock(short)] : [];
}

/** What can't be priced at all. */
function nothing({ config }: OrderDeps, { currency }: PlaceOrderInput): PricedOrder {
  const none = new Map();
  const terms = {
    currency,
    pricesIncludeTax: config.pricesIncludeTax,
    destination: { countryCode: config.shopCountry, region: null },
    hasAddress: false,
    methods: [],
    shippingMethod: null,
    rates: { destination: none, shop: none },
    discountsOf: noDiscounts,
  };
  const quote = quoteOf([], terms);
  return { currency, items: [], terms, quote, shippingAddress: null, billingAddress: null, refusals: [] };
}
