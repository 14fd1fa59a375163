import { z } from 'zod';
import { isTimeZone } from '../shared/values/local-date.ts';
import { countryCodes } from '../shared/values/postal-address.ts';
import { type Env, integer, readEnv } from '../shared/process/env.ts';

export type OrderConfig = {
  /** Seconds to pay, for every order type that names no time of its own. */
  readonly paymentWindowSeconds: number;
  /** How long the buyer's mutation waits for the saga, in ms. */
  readonly placingWaitMs: number;
  /** How long the taking of stock may stay without an answer before the saga turns round and undoes it, in ms. */
  readonly placingDeadlineMs: number;
  /** IANA zone of the shop's date: no stay begins before today there. */
  readonly shopTimeZone: string;
  /** Hours from the beginning (UTC) of the day of departure until a paid booking counts as never used. */
  readonly lapseGraceHours: number;
  /** Days after completion in which a return can be asked for, for every order type that names none of its own. */
  readonly returnWindowDays: number;
  readonly openOrders: OpenOrderLimits;
  readonly couponGuesses: CouponGuessLimits;
  /** Whether the prices of products and shipping contain the tax. */
  readonly pricesIncludeTax: boolean;
  /** ISO 3166-1 alpha-2: where stays are taxed, and orders without an address. */
  readonly shopCountry: string;
  /** Minor units that one member of staff may give back alone. */
  readonly staffApprovalAboveMinor: bigint;
};

/** How many orders that are not paid one customer and one address may have at once, and units in them: pieces, or rooms by nights. */
export type OpenOrderLimits = {
  readonly ordersPerCustomer: number;
  readonly unitsPerCustomer: number;
  readonly ordersPerAddress: number;
  readonly unitsPerAddress: number;
};

/** How many coupon codes that don't exist one customer and one address may try within 15 minutes. */
export type CouponGuessLimits = { readonly perCustomer: number; readonly perAddress: number };

const maxOpen = 1_000_000_000;

export function readOrderConfig(env: Env): OrderConfig {
  const given = readEnv(env, {
    PAYMENT_WINDOW_SECONDS: integer(1, 30 * 86_400).default(1_200),
    PLACING_WAIT_MS: integer(0, 30_000).default(2_500),
    PLACING_DEADLINE_MS: integer(100, 60_000).default(20_000),
    SHOP_TIME_ZONE: z.string().refine(isTimeZone, 'is no time zone; give one such as Europe/Berlin').default('UTC'),
    LAPSE_GRACE_HOURS: integer(0, 24 * 365).default(48),
    RETURN_WINDOW_DAYS: integer(0, 3_650).default(30),
    PRICES_INCLUDE_TAX: z.enum(['true', 'false'], { error: 'is neither true nor false' }).default('true'),
    SHOP_COUNTRY: z.string().refine((code) => countryCodes.has(code), 'is no country; give a code of ISO 3166-1 such as DE').default('DE'), // prettier-ignore
    STAFF_APPROVAL_ABOVE: integer(1, 999_999_999_999_999).default(1_000_000),
    OPEN_ORDERS_PER_CUSTOMER: integer(1, maxOpen).default(20),
    OPEN_UNITS_PER_CUSTOMER: integer(1, maxOpen).default(200),
    OPEN_ORDERS_PER_ADDRESS: integer(1, maxOpen).default(1_600),
    OPEN_UNITS_PER_ADDRESS: integer(1, maxOpen).default(16_000),
    WRONG_COUPONS_PER_CUSTOMER: integer(1, maxOpen).default(30),
    WRONG_COUPONS_PER_ADDRESS: integer(1, maxOpen).default(300),
  });
  return {
    paymentWindowSeconds: given.PAYMENT_WINDOW_SECONDS,
    placingWaitMs: given.PLACING_WAIT_MS,
    placingDeadlineMs: given.PLACING_DEADLINE_MS,
    shopTimeZone: given.SHOP_TIME_ZONE,
    lapseGraceHours: given.LAPSE_GRACE_HOURS,
    returnWindowDays: given.RETURN_WINDOW_DAYS,
    pricesIncludeTax: given.PRICES_INCLUDE_TAX === 'true',
    shopCountry: given.SHOP_COUNTRY,
    staffApprovalAboveMinor: BigInt(given.STAFF_APPROVAL_ABOVE),
    couponGuesses: { perCustomer: given.WRONG_COUPONS_PER_CUSTOMER, perAddress: given.WRONG_COUPONS_PER_ADDRESS },
    openOrders: {
      ordersPerCustomer: given.OPEN_ORDERS_PER_CUSTOMER,
      unitsPerCustomer: given.OPEN_UNITS_PER_CUSTOMER,
      ordersPerAddress: given.OPEN_ORDERS_PER_ADDRESS,
      unitsPerAddress: given.OPEN_UNITS_PER_ADDRESS,
    },
  };
}
