import { account, notifications, signIn, wallet } from './de/account.ts';
import { errors } from './de/errors.ts';
import { orders, outcome, pay } from './de/orders.ts';
import { address, booking, cart, footer, frame, shop } from './de/shop.ts';
import type { Messages } from './en.ts';

/** All words of the shopper's pages in German. */
export const de: Messages = {
  account,
  address,
  booking,
  cart,
  errors,
  footer,
  frame,
  notifications,
  orders,
  outcome,
  pay,
  shop,
  signIn,
  wallet,
};
