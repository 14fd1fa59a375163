import { z } from 'zod';
import { isTimeZone } from '../shared/local-date.ts';
import { type Env, integer, readEnv } from '../shared/env.ts';

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
};

export function readOrderConfig(env: Env): OrderConfig {
  const given = readEnv(env, {
    PAYMENT_WINDOW_SECONDS: integer(1, 30 * 86_400).default(1_200),
    PLACING_WAIT_MS: integer(0, 30_000).default(3_000),
    PLACING_DEADLINE_MS: integer(100, 60_000).default(20_000),
    SHOP_TIME_ZONE: z.string().refine(isTimeZone, 'is no time zone; give one such as Europe/Berlin').default('UTC'),
    LAPSE_GRACE_HOURS: integer(0, 24 * 365).default(48),
  });
  return {
    paymentWindowSeconds: given.PAYMENT_WINDOW_SECONDS,
    placingWaitMs: given.PLACING_WAIT_MS,
    placingDeadlineMs: given.PLACING_DEADLINE_MS,
    shopTimeZone: given.SHOP_TIME_ZONE,
    lapseGraceHours: given.LAPSE_GRACE_HOURS,
  };
}
