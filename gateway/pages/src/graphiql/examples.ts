import CancelOrder from '../../../../schema/operations/cancel-order.graphql?raw';
import CreatePayment from '../../../../schema/operations/create-payment.graphql?raw';
import Fragments from '../../../../schema/operations/fragments.graphql?raw';
import Login from '../../../../schema/operations/login.graphql?raw';
import Me from '../../../../schema/operations/me.graphql?raw';
import MyOrders from '../../../../schema/operations/my-orders.graphql?raw';
import MyWallet from '../../../../schema/operations/my-wallet.graphql?raw';
import Order from '../../../../schema/operations/order.graphql?raw';
import PlaceOrder from '../../../../schema/operations/place-order.graphql?raw';
import Products from '../../../../schema/operations/products.graphql?raw';
import Register from '../../../../schema/operations/register.graphql?raw';
import RetryPayment from '../../../../schema/operations/retry-payment.graphql?raw';
import WatchAllOrders from '../../../../schema/operations/watch-all-orders.graphql?raw';
import WatchMyOrders from '../../../../schema/operations/watch-my-orders.graphql?raw';
import WatchOrder from '../../../../schema/operations/watch-order.graphql?raw';
import { withFragments } from '../../../../schema/with-fragments.ts';
import { demoAccounts } from '../environment.ts';

export type Example = {
  readonly title: string;
  readonly about: string;
  readonly query: string;
  readonly variables: string;
};

const example = (title: string, about: string, query: string, variables: object = {}): Example => ({
  title,
  about,
  query: withFragments(query, Fragments),
  variables: Object.keys(variables).length === 0 ? '' : JSON.stringify(variables, null, 2),
});

const [account] = demoAccounts;

/**
 * From register to watch, in the order to run them. The words in capitals stand for values of earlier answers, filled in
 * by `fillIn` when the operation is sent.
 */
export const examples: readonly Example[] = [
  example('Register', 'Create an account; signs you in', Register, {
    input: { name: 'Grace Hopper', mobile: 'NEW_MOBILE', password: 'correct horse battery' },
  }),
  example('Products', 'What the shop sells, with live stock', Products, {
    first: 5,
    filter: { kind: ['STOCKED'], inStock: true },
  }),
  example('PlaceOrder', 'Order one of the first product', PlaceOrder, {
    input: {
      currency: 'CURRENCY',
      lines: [{ productId: 'PRODUCT_ID', quantity: 1 }],
      shippingAddress: {
        name: 'Grace Hopper',
        line1: 'Ring 1',
        postalCode: '10115',
        city: 'Berlin',
        countryCode: 'DE',
      },
    },
    idempotencyKey: 'NEW_KEY',
  }),
  example('CreatePayment', 'Start to pay that order', CreatePayment, {
    input: { orderId: 'ORDER_ID', method: 'SIMULATED_CARD' },
    idempotencyKey: 'NEW_KEY',
  }),
  example('WatchOrder', 'Its history, then live', WatchOrder, { orderId: 'ORDER_ID', afterSeq: 0 }),
  example('Order', 'The order, its payments and journal', Order, { id: 'ORDER_ID' }),
  example('MyOrders', 'All your orders', MyOrders, { first: 10 }),
  example('WatchMyOrders', 'Every change of all your orders', WatchMyOrders, {}),
  example('MyWallet', 'Your money here, and how it came', MyWallet, { first: 10 }),
  example('CancelOrder', 'Give an order up before it is delivered', CancelOrder, {
    id: 'ORDER_ID',
    idempotencyKey: 'NEW_KEY',
  }),
  example('RetryPayment', 'Once more after a declined card', RetryPayment, {
    paymentId: 'PAYMENT_ID',
    idempotencyKey: 'NEW_KEY',
  }),
  example('Login', 'Sign in with mobile and password', Login, {
    mobile: account?.mobile ?? '',
    password: account?.password ?? '',
  }),
  example('WatchAllOrders', 'Every order of everybody, for staff', WatchAllOrders, {}),
  example('Me', 'Who am I?', Me),
];

/** The way the first tabs are laid out: register, choose, place, pay, watch. */
export const firstTabs = examples.slice(0, 5);
