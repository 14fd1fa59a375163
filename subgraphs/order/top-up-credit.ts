import type { ServiceCaller } from '../shared/calls/link.ts';
import type { CreditTopUp } from './types/top-up.ts';

const mutation = `mutation CreditTopUp($orderId: ID!, $number: String!) { creditTopUp(orderId: $orderId, number: $number) }`;

/** Has payment credit a top-up's buyer; however often it is asked, it does so once. */
export const creditTopUp =
  (call: ServiceCaller): CreditTopUp =>
  async ({ id, number, traceId }) => {
    await call('payment', { query: mutation, variables: { orderId: id, number }, traceId });
  };
