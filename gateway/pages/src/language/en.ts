import { account, errors, notifications, signIn, wallet } from './en/account.ts';
import { orders, outcome, pay } from './en/orders.ts';
import { address, booking, cart, footer, frame, shop } from './en/shop.ts';

/** All words of the shopper's pages in English. Every other language has the same: what it lacks, the compiler finds. */
export const en = {
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

export type Messages = typeof en;
