import CancelOrder from '../../../schema/operations/cancel-order.graphql?raw';
import CreatePayment from '../../../schema/operations/create-payment.graphql?raw';
import Login from '../../../schema/operations/login.graphql?raw';
import Logout from '../../../schema/operations/logout.graphql?raw';
import Order from '../../../schema/operations/order.graphql?raw';
import PlaceOrder from '../../../schema/operations/place-order.graphql?raw';
import Products from '../../../schema/operations/products.graphql?raw';
import RefreshTokens from '../../../schema/operations/refresh-tokens.graphql?raw';
import RetryPayment from '../../../schema/operations/retry-payment.graphql?raw';
import WatchOrder from '../../../schema/operations/watch-order.graphql?raw';
import type {
  AuthPayload,
  OrderAnswer,
  OrderNotice,
  PayPayload,
  PlaceOrderPayload,
  ProductNode,
  UserError,
} from './types.ts';

/** The text of an operation with the types of what it takes and answers. */
export type Operation<Data, Variables> = { readonly text: string; readonly types?: [Data, Variables] };

export const login: Operation<{ login: AuthPayload }, { mobile: string; password: string }> = { text: Login };
export const refreshTokens: Operation<{ refreshTokens: AuthPayload }, { refreshToken: string }> = {
  text: RefreshTokens,
};
export const logout: Operation<{ logout: boolean }, Record<string, never>> = { text: Logout };
export const products: Operation<
  { products: { edges: { node: ProductNode }[] } },
  { first: number; filter?: { status?: string[] } }
> = { text: Products };
export const placeOrder: Operation<
  { placeOrder: PlaceOrderPayload },
  {
    input: { currency: string; lines: { productId: string; quantity: number; expectedUnitPrice?: number }[] };
    idempotencyKey: string;
  }
> = { text: PlaceOrder };
export const order: Operation<{ order: OrderAnswer | null }, { id: string }> = { text: Order };
export const createPayment: Operation<
  { createPayment: PayPayload },
  { input: { orderId: string; method: string; returnUrl?: string }; idempotencyKey: string }
> = { text: CreatePayment };
export const retryPayment: Operation<{ retryPayment: PayPayload }, { paymentId: string; idempotencyKey: string }> = {
  text: RetryPayment,
};
export const cancelOrder: Operation<
  { cancelOrder: { userErrors: UserError[] } },
  { id: string; reason?: string; idempotencyKey: string }
> = { text: CancelOrder };
export const watchOrder: Operation<{ orderEvents: OrderNotice }, { orderId: string; afterSeq: number }> = {
  text: WatchOrder,
};
