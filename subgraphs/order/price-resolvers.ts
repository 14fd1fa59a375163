import { type UserViewer, requireStaff, requireUser } from '../shared/auth/viewer.ts';
import type * as Schema from '../../schema/generated/order.ts';
import { presentAddOns, presentAdjustment, presentShipping, presentTax } from './charges-resolvers.ts';
import { type OrderQuote, type QuotedLine, quoteOrder } from './commands/quote-order.ts';
import { saveShippingMethod, saveTaxRate } from './commands/save-price-rule.ts';
import type { OrderContext } from './context.ts';
import type { PlaceOrderInput } from './domain/pricing/check-input.ts';
import type { ShippingMethodInput, TaxRateInput } from './domain/pricing/check-price-rules.ts';
import type { ShippingRate } from './domain/pricing/shipping.ts';
import { nightsOf } from './domain/stay.ts';
import { listShippingMethods, listTaxRates } from './price-rule-queries.ts';

const amount = (minor: bigint | number, currency: string) => ({ amount: Number(minor), currency });

const asker = ({ viewer, traceId }: OrderContext): { viewer: UserViewer; traceId: string } => ({
  viewer: requireUser(viewer),
  traceId,
});

export const priceQueries = {
  quoteOrder: (_: unknown, { input, customerId }: Schema.QueryQuoteOrderArgs, context: OrderContext) => {
    const { deps, viewer, traceId, clientAddress } = context;
    const request = { input: input as PlaceOrderInput, customerId: customerId ?? null, traceId, clientAddress };
    return quoteOrder(deps, viewer, request);
  },
  shippingMethods: (_: unknown, { activeOnly }: Schema.QueryShippingMethodsArgs, { deps, viewer }: OrderContext) => {
    if (activeOnly === false) requireStaff(viewer);
    return listShippingMethods(deps, activeOnly !== false);
  },
  taxRates: (_: unknown, { countryCode }: Schema.QueryTaxRatesArgs, { deps, viewer }: OrderContext) => {
    requireStaff(viewer);
    return listTaxRates(deps, countryCode ?? null);
  },
};

type Keys = Pick<Schema.MutationSaveTaxRateArgs, 'id' | 'idempotencyKey'>;
const keysOf = ({ id, idempotencyKey }: Keys) => ({ id: id ?? null, idempotencyKey: idempotencyKey ?? null });

export const priceMutations = {
  async saveShippingMethod(_: unknown, args: Schema.MutationSaveShippingMethodArgs, context: OrderContext) {
    const given = { ...keysOf(args), input: args.input as ShippingMethodInput };
    const { rule, ...rest } = await saveShippingMethod(context.deps, asker(context), given);
    return { shippingMethod: rule, ...rest };
  },
  async saveTaxRate(_: unknown, args: Schema.MutationSaveTaxRateArgs, context: OrderContext) {
    const given = { ...keysOf(args), input: args.input as TaxRateInput };
    const { rule, ...rest } = await saveTaxRate(context.deps, asker(context), given);
    return { taxRate: rule, ...rest };
  },
};

type PresentedLine = QuotedLine & { readonly quote: OrderQuote };

export const OrderQuoteResolvers = {
  lines: (of: OrderQuote): PresentedLine[] => of.lines.map((line) => ({ ...line, quote: of })),
  adjustments: ({ quote, currency }: OrderQuote) =>
    (quote.adjustments ?? []).map((each) => presentAdjustment(each, currency)),
  taxes: ({ quote, currency }: OrderQuote) => (quote.taxes ?? []).map((each) => presentTax(each, currency)),
  shippingOptions: ({ shippingOptions, currency }: OrderQuote) =>
    shippingOptions().map((each) => presentShipping(each, currency)),
  shipping: ({ quote, currency }: OrderQuote) =>
    quote.shippingMethod && presentShipping(quote.shippingMethod, currency),
  subtotal: ({ quote, currency }: OrderQuote) => amount(quote.subtotalMinor, currency),
  discountTotal: ({ quote, currency }: OrderQuote) => amount(quote.discountMinor, currency),
  shippingTotal: ({ quote, currency }: OrderQuote) => amount(quote.shippingMinor, currency),
  taxTotal: ({ quote, currency }: OrderQuote) => amount(quote.taxMinor, currency),
  total: ({ quote, currency }: OrderQuote) => amount(quote.totalMinor, currency),
  pricesIncludeTax: ({ quote }: OrderQuote) => quote.pricesIncludeTax,
};

export const QuoteLineResolvers = {
  product: ({ productId }: PresentedLine) => ({ __typename: 'Product', id: productId }),
  unitPrice: ({ unitPriceMinor, quote }: PresentedLine) => amount(unitPriceMinor, quote.currency),
  addOns: ({ addOns, quote }: PresentedLine) => presentAddOns(addOns, quote.currency),
  nights: ({ stay }: PresentedLine) => stay && nightsOf(stay),
  subtotal: ({ subtotalMinor, quote }: PresentedLine) => amount(subtotalMinor, quote.currency),
  discount: ({ discountMinor, quote }: PresentedLine) => amount(discountMinor, quote.currency),
  tax: ({ taxMinor, quote }: PresentedLine) => amount(taxMinor, quote.currency),
  total: ({ totalMinor, quote }: PresentedLine) => amount(totalMinor, quote.currency),
};

export const ShippingRateResolvers = {
  price: ({ priceMinor, currency }: ShippingRate) => amount(priceMinor, currency),
  fromSubtotal: ({ fromSubtotalMinor }: ShippingRate) => fromSubtotalMinor,
};
