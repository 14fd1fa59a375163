import type { OrderFacts } from '../../../../subgraphs/user/notifications/order-facts.ts';

const euro = (amount: number) => ({ amount, currency: 'EUR' });

/** An order as the order service tells of it. */
export const order: OrderFacts = {
  state: 'PENDING_PAYMENT',
  number: 'ST-261130-7KQ2M9XA-3',
  confirmationCode: '7KQ2M9XA',
  pricesIncludeTax: true,
  subtotal: euro(1_500),
  discountTotal: euro(200),
  shippingTotal: euro(490),
  taxTotal: euro(208),
  total: euro(1_790),
  shippingAddress: { formatted: ['Ada Lovelace', '1 Analytical Way', 'London', 'N1 9GU'] },
  lines: [
    { title: 'Mug <script>', subtitle: 'blue', quantity: 1, stayFrom: null, stayTo: null, subtotal: euro(500) },
    { title: 'Plate', subtitle: null, quantity: 2, stayFrom: null, stayTo: null, subtotal: euro(1_000) },
  ],
  fulfilments: [],
};
