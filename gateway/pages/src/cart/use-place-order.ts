import { useState } from 'react';
import { useClient } from 'urql';
import { useLocation } from 'wouter';
import { PlaceOrderDocument, type PlaceOrderMutationVariables } from '../../../../schema/generated/operations.ts';
import { ApiError } from '../api.ts';
import { perform } from '../client.ts';
import { intentKey, settleIntent } from '../intents.ts';
import type { PlaceOrderRefusal } from '../types.ts';
import { type Action, useAction } from '../ui/use-action.ts';
import { t } from '../language/catalogue.ts';
import { refusalText } from '../language/refusals.ts';

type OrderInput = PlaceOrderMutationVariables['input'];

/** What is ordered, without what it is expected to cost. */
const wishOf = ({ expectedTotal: _, lines, ...wish }: OrderInput) => ({
  ...wish,
  lines: lines.map(({ expectedUnitPrice: __, ...line }) => line),
});

/**
 * Places an order and goes to its payment page. A refusal stays to be shown with what to do about it. Sent again after a
 * lost answer, or after a reload, it is the same order, also where it would cost something else by now, e.g. because the
 * first one has used up a coupon: the reference belongs to the wish.
 */
export function usePlaceOrder(name: string): Action & {
  readonly refusal: PlaceOrderRefusal | null;
  readonly forget: () => void;
  readonly place: (input: OrderInput | (() => Promise<OrderInput>), onPlaced: () => void) => Promise<void>;
} {
  const client = useClient();
  const [, navigate] = useLocation();
  const [refusal, setRefusal] = useState<PlaceOrderRefusal | null>(null);
  const action = useAction();

  const place = (given: OrderInput | (() => Promise<OrderInput>), onPlaced: () => void) =>
    action.run(async () => {
      setRefusal(null);
      const wanted = typeof given === 'function' ? await given() : given;
      const wish = `${name}-wish`;
      const input = { ...wanted, clientReference: intentKey(wish, wishOf(wanted)) };
      const idempotencyKey = intentKey(name, input);
      const { placeOrder } = await perform(client, PlaceOrderDocument, { input, idempotencyKey });
      const [first] = placeOrder.userErrors;
      if (first?.__typename === 'IdempotencyConflictError' && first.retryable) {
        throw new ApiError(first.code, refusalText(first), true);
      }
      settleIntent(name);
      settleIntent(wish);
      if (first !== undefined) {
        setRefusal(first);
        return;
      }
      if (placeOrder.order === null) throw new ApiError('UNKNOWN', t().cart.couldNotPlace);
      onPlaced();
      navigate(`/pay/${placeOrder.order.id}`);
    });

  return { ...action, refusal, forget: () => setRefusal(null), place };
}
