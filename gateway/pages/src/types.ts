import type {
  OrderQuery,
  PlaceOrderMutation,
  ProductsQuery,
  QuoteOrderQuery,
} from '../../../schema/generated/operations.ts';

/** Integer minor units and an ISO 4217 code. */
export type Money = { readonly amount: number; readonly currency: string };

export type ShelfProduct = ProductsQuery['products']['edges'][number]['node'];
type OrderAnswer = NonNullable<OrderQuery['order']>;
export type Order = Omit<OrderAnswer, 'history'>;
export type OrderEvent = OrderAnswer['history']['edges'][number]['node'];
export type Payment = Order['payments'][number];
export type Attempt = Payment['attempts'][number];
export type Quote = QuoteOrderQuery['quoteOrder'];
export type PlaceOrderRefusal = PlaceOrderMutation['placeOrder']['userErrors'][number];
