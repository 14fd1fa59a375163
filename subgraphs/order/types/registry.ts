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

/** Throws when a code or number prefix is registered twice. */
export function registerOrderTypes(...types: readonly OrderType[]): OrderTypes {
  const byCode = new Map<string, OrderType>();
  for (const type of types) {
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
