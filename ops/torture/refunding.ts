import { randomUUID } from 'node:crypto';
import { confirmRefundDocument, orderPaymentsDocument, refundDocument } from './documents.ts';
import type { OrderTold, RefundTold } from './journal.ts';
import type { Random } from './random.ts';
import type { Buyer, Shop } from './shop.ts';

type Money = { amount: number };
type OrderPayments = {
  order: {
    state: string;
    payments: { id: string; method: string; state: string; captured: Money; refunded: Money }[];
  } | null;
};

/** Staff give back all or a part of what one payment of an order brought. */
export async function refund(
  shop: Shop,
  buyer: Buyer,
  { order, random }: { order: OrderTold; random: Random },
): Promise<void> {
  const read = await shop.api.ask<OrderPayments>({
    document: orderPaymentsDocument,
    variables: { id: order.id },
    person: buyer.person,
  });
  const payment = read?.order?.payments.find(({ captured }) => captured.amount > 0);
  if (!payment || order.id === undefined) return;
  const left = payment.captured.amount - payment.refunded.amount;
  const amountMinor = random.chance(0.5) ? left : random.between(1, left);
  const told: RefundTold = { key: randomUUID(), paymentId: payment.id, orderId: order.id, amountMinor };
  shop.journal.refunds.push(told);
  await askForRefund(shop, told, random);
  // The merchant's bank does it, and staff note that it did.
  if (payment.method === 'BANK_TRANSFER' && told.refundId !== undefined) await confirmRefund(shop, told.refundId);
}

/** Asks for a refund, again with its key when it was asked for before. */
export async function askForRefund({ api, staff }: Shop, told: RefundTold, random?: Random): Promise<void> {
  const { key, paymentId, amountMinor } = told;
  type Refunded = { refundPayment: { refund: { id: string } | null; userErrors: { code: string }[] } };
  const input = { paymentId, amount: { amount: amountMinor, currency: 'EUR' }, reason: 'torture' };
  const refunded = await api.ask<Refunded>({
    document: refundDocument,
    variables: { input, idempotencyKey: key },
    person: staff,
    ...(random && { random }),
    mark: (data: Refunded) => data.refundPayment.refund?.id,
  });
  const refusal = refunded?.refundPayment.userErrors[0]?.code;
  if (refusal !== undefined) told.refusal = refusal;
  const refundId = refunded?.refundPayment.refund?.id;
  if (refundId !== undefined) told.refundId = refundId;
}

/** Staff note that a refund was made by the bank. */
export async function confirmRefund({ api, staff }: Pick<Shop, 'api' | 'staff'>, refundId: string): Promise<void> {
  await api.ask({
    document: confirmRefundDocument,
    variables: { refundId, idempotencyKey: randomUUID() },
    person: staff,
  });
}
