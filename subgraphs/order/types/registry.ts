import { booking } from './booking.ts';
import { digital } from './digital.ts';
import type { OrderType } from './order-type.ts';
import { prepay } from './prepay.ts';
import { standard } from './standard.ts';
import { type CreditTopUp, topUp } from './top-up.ts';

export type OrderTypes = {
  /** All types in the order of their registration. */
  readonly all: readonly OrderType[];
  /** The type with this code, or null. */
  find(code: string): OrderType | null;
  /** The type of a stored order. Throws when it is not registered any more. */
  get(code: string): OrderType;
};

const maxWindowSeconds = 30 * 86_400;
const maxWindowDays = 3_650;

const isWithin = (value: number | null, min: number, max: number): boolean =>
  value === null || (Number.isInteger(value) && value >= min && value <= max);

/** Throws for settings that can't work: they would show only when an order of the type is placed. */
function requireSettings(type: OrderType): void {
  const require = (holds: boolean, rule: string): void => {
    if (!holds) throw new Error(`order type ${type.code}: ${rule}`);
  };
  require(/^[A-Z][A-Z0-9_]{0,31}$/.test(type.code), 'code must be 1 to 32 capitals, digits and underscores');
  require(/^[A-Z]{2}$/.test(type.numberPrefix), 'numberPrefix must be two capitals');
  require(isWithin(
    type.paymentWindowSeconds,
    1,
    maxWindowSeconds,
  ), `paymentWindowSeconds must be between 1 and ${maxWindowSeconds}`);
  require(isWithin(type.returnWindowDays, 0, maxWindowDays), `returnWindowDays must be between 0 and ${maxWindowDays}`);
  require(type.deliveryLifeSeconds > 0, 'deliveryLifeSeconds must be above 0');
}

/** Throws when a code or number prefix is registered twice, and for settings that can't work. */
export function registerOrderTypes(...types: readonly OrderType[]): OrderTypes {
  const byCode = new Map<string, OrderType>();
  for (const type of types) {
    requireSettings(type);
    if (byCode.has(type.code)) throw new Error(`order type ${type.code} is registered twice`);
    if ([...byCode.values()].some(({ numberPrefix }) => numberPrefix === type.numberPrefix))
      throw new Error(`number prefix ${type.numberPrefix} is registered twice`);
    byCode.set(type.code, type);
  }
  return {
    all: types,
    find: (code) => byCode.get(code) ?? null,
    get(code) {
      const type = byCode.get(code);
      if (!type) throw new Error(`order type ${code} is not registered`);
      return type;
    },
  };
}

/** All order types, with what their deliveries need of other services. */
export const orderTypes = ({ creditTopUp }: { creditTopUp: CreditTopUp }): OrderTypes =>
  registerOrderTypes(standard, digital, booking, prepay, topUp(creditTopUp));
