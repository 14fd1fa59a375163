import { expect, test } from '@jest/globals';
import { readStripeEvent } from '../../../../subgraphs/payment/providers/stripe-facts.ts';
import { newId } from '../../../../subgraphs/shared/values/ids.ts';

const paid = (livemode?: boolean): Buffer =>
  Buffer.from(
    JSON.stringify({
      id: 'evt_1',
      type: 'payment_intent.succeeded',
      ...(livemode === undefined ? {} : { livemode }),
      data: {
        object: {
          id: 'pi_1',
          status: 'succeeded',
          amount: 1_234,
          amount_received: 1_234,
          amount_capturable: 0,
          currency: 'eur',
          metadata: { attemptId: newId() },
        },
      },
    }),
  );

test.each([true, false])('an event of the key’s own mode is read (live: %s)', (live) => {
  expect(readStripeEvent(paid(live), live)).toMatchObject({ about: { fact: { type: 'succeeded', amountMinor: 1_234n } } });
}); // prettier-ignore

test('money of the test mode pays nothing where the key is a live one, nor live money where it is for tests', () => {
  expect(readStripeEvent(paid(false), true)).toEqual({ id: 'evt_1', type: 'payment_intent.succeeded', about: null });
  expect(readStripeEvent(paid(true), false)).toEqual({ id: 'evt_1', type: 'payment_intent.succeeded', about: null });
});
