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

test.each([
  [{ type: 'card', card: { brand: 'visa', last4: '4242' } }, 'Visa •••• 4242'],
  [{ type: 'card', card: { brand: 'brand of tomorrow', last4: '0001' } }, 'Card •••• 0001'],
  [{ type: 'card', card: {} }, 'Card'],
  [{ type: 'sepa_debit', sepa_debit: { last4: '3000' } }, 'SEPA debit •••• 3000'],
  [{ type: 'us_bank_account', us_bank_account: { last4: '6789' } }, 'US bank account •••• 6789'],
  [{ type: 'klarna' }, 'Klarna'],
])('a charge says what it was paid with: %j', (details, instrument) => {
  const attemptId = newId();
  const charge = { id: 'ch_1', payment_intent: 'pi_1', payment_method_details: details, metadata: { attemptId } };
  const event = { id: 'evt_2', type: 'charge.succeeded', data: { object: charge } };
  expect(readStripeEvent(Buffer.from(JSON.stringify(event)), false)).toEqual({ id: 'evt_2', type: 'charge.succeeded', about: { kind: 'instrument', intentId: 'pi_1', attemptId, instrument } }); // prettier-ignore
});

test('a charge that says nothing of that is not used', () => {
  const event = { id: 'evt_3', type: 'charge.succeeded', data: { object: { id: 'ch_1', payment_intent: 'pi_1' } } };
  expect(readStripeEvent(Buffer.from(JSON.stringify(event)), false)?.about).toBeNull();
});

test('money of the test mode pays nothing where the key is a live one, nor live money where it is for tests', () => {
  expect(readStripeEvent(paid(false), true)).toEqual({ id: 'evt_1', type: 'payment_intent.succeeded', about: null });
  expect(readStripeEvent(paid(true), false)).toEqual({ id: 'evt_1', type: 'payment_intent.succeeded', about: null });
});
