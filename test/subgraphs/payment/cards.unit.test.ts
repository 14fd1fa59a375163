import { expect, test } from '@jest/globals';
import { answerCard } from '../../../subgraphs/payment/simulated-provider/cards.ts';

test.each([
  ['4242424242424242', undefined, { type: 'succeeded' }],
  ['4242 4242 4242 4242', undefined, { type: 'succeeded' }],
  ['4000000000000002', undefined, { type: 'declined', code: 'card_declined' }],
  ['4000000000009995', undefined, { type: 'declined', code: 'insufficient_funds' }],
  ['4000002760003184', undefined, { type: 'action' }],
  ['4000002760003184', 'confirmed', { type: 'succeeded' }],
  ['4000002760003184', 'failed', { type: 'declined', code: 'authentication_failed' }],
  ['5555555555554444', undefined, { type: 'declined', code: 'card_declined' }],
  ['4242424242424241', undefined, { type: 'invalid', code: 'invalid_number' }],
  ['4242', undefined, { type: 'invalid', code: 'invalid_number' }],
  ['', undefined, { type: 'invalid', code: 'invalid_number' }],
  ['not a card', undefined, { type: 'invalid', code: 'invalid_number' }],
] as const)('card %s with authentication %s is %o', (card, authentication, answer) => {
  expect(answerCard(card, authentication)).toMatchObject(answer);
});
