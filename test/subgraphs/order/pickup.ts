import { z } from 'zod';
import { defineOrderType } from '../../../subgraphs/order/types/define-order-type.ts';
import type { OrderType } from '../../../subgraphs/order/types/order-type.ts';

/** What the type needs of the shop's counter. */
export type Counter = {
  /** When it opens; null while it is open. */
  opensAt(): Promise<Date | null>;
  /** Puts the goods of an order aside. The same order may be put aside again. */
  putAside(number: string): Promise<void>;
  /** Tells the counter that an order is done, or that it needs a person. */
  tell(number: string, what: 'DONE' | 'TROUBLE'): Promise<void>;
};

const extension = z.strictObject({ pickUpOn: z.iso.date() });
const maxPieces = 20;

/** Goods that their buyer fetches at the counter: nothing is shipped, and everything is 3 % cheaper. */
export const pickup = (counter: Counter): OrderType =>
  defineOrderType({
    code: 'PICKUP',
    name: 'Pick-up at the counter',
    numberPrefix: 'PU',
    paymentWindowSeconds: 7_200,
    returnWindowDays: 14,
    extension,
    price: ({ product }) => (BigInt(product.price.amount) * 97n + 50n) / 100n,
    validate({ lines, extension: given, today }) {
      const pieces = lines.reduce((sum, { quantity }) => sum + quantity, 0);
      if (pieces > maxPieces)
        return [{ cause: 'TOO_MUCH_TO_CARRY', message: `The counter takes orders of at most ${maxPieces} pieces.` }];
      const day = (given as z.infer<typeof extension> | null)?.pickUpOn;
      return day !== undefined && day < today ? [{ cause: 'DAY_IS_OVER', message: `${day} is over.` }] : [];
    },
    needsFulfilment: () => false,
    async mayAdvance() {
      const opensAt = await counter.opensAt();
      return opensAt && { reason: 'the counter is closed', until: opensAt };
    },
    deliver: ({ number }) => counter.putAside(number),
    onFinish: ({ number }) => counter.tell(number, 'DONE'),
    onAbnormal: ({ number }) => counter.tell(number, 'TROUBLE'),
  });
