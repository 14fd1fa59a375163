import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../support/platform.ts';
import {
  type Person, createProduct, creditWallet, dataOf, logIn, logInAsAdmin, newKey, placeOrder, register, stockOf, walletOf,
} from '../support/shop.ts'; // prettier-ignore
import { until } from '../support/until.ts';

const recoveryMs = 30_000;
const priceMinor = 1_000;
const quantity = 3;

type Refusals = { userErrors: { code: string }[] };
type Read = {
  order: {
    state: string; paymentStatus: string; refundPendingTotal: { amount: number }; refundedTotal: { amount: number };
    lines: { id: string; cancelledQuantity: number; refundedQuantity: number }[];
  };
}; // prettier-ignore

/** At each place at which a process can die while an order is given back: order, payment and stock agree within 30 s. */
describe('a platform that is killed (-9)', () => {
  let platform: Platform;
  let staff: Person;
  beforeAll(async () => {
    platform = await startPlatform({ shape: 'one' });
    staff = await logInAsAdmin(platform);
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  const read = async (person: Person, id: string) =>
    dataOf(await platform.gql<Read>('query R($id: ID!) { order(id: $id) { state paymentStatus refundPendingTotal { amount } refundedTotal { amount } lines { id cancelledQuantity refundedQuantity } } }', { id }, { token: person.token })).order; // prettier-ignore

  /** Three pieces of a product of which there are five, paid by wallet. */
  async function paidOrder() {
    const product = await createProduct(platform, staff, { priceMinor, onHand: 5 });
    const buyer = await register(platform);
    await creditWallet(platform, staff, buyer, quantity * priceMinor);
    const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity }], { type: 'PREPAY' });
    await until(async () => (await stockOf(platform, staff, product.id)).onHand === 2, { what: 'the sale' });
    const lineId = (await read(buyer, id)).lines[0]?.id ?? '';
    return { id, buyer, productId: product.id, lineId };
  }
  type Paid = Awaited<ReturnType<typeof paidOrder>>;

  const send = (person: Person, document: string, variables: Record<string, unknown>) => () =>
    platform.gql<{ answer: Refusals }>(document, variables, { token: person.token });
  const cancelling = ({ id, buyer }: Paid, lines: unknown = null) =>
    send(buyer, 'mutation C($id: ID!, $lines: [OrderLineQuantityInput!], $key: String!) { answer: cancelOrder(id: $id, lines: $lines, idempotencyKey: $key) { userErrors { ... on UserError { code } } } }', { id, lines, key: newKey() }); // prettier-ignore
  const refunding = ({ id, lineId }: Paid) =>
    send(staff, 'mutation R($input: RefundOrderInput!, $key: String!) { answer: refundOrder(input: $input, idempotencyKey: $key) { userErrors { ... on UserError { code } } } }', { input: { orderId: id, lines: [{ lineId, quantity: 1 }], reason: 'broken' }, key: newKey() }); // prettier-ignore

  /** The order is delivered, and staff wait for one piece of it. */
  async function approvedReturn({ id, buyer, lineId }: Paid): Promise<string> {
    const done = { userErrors: [] };
    const delivering = send(staff, 'mutation F($id: ID!, $key: String!) { answer: fulfilOrder(id: $id, idempotencyKey: $key) { userErrors { ... on UserError { code } } } }', { id, key: newKey() }); // prettier-ignore
    expect(dataOf(await delivering()).answer).toEqual(done);
    const asked = await platform.gql<{ answer: { orderReturn: { id: string } } }>('mutation R($id: ID!, $lines: [OrderLineQuantityInput!]!, $key: String!) { answer: requestReturn(orderId: $id, lines: $lines, reason: "too small", idempotencyKey: $key) { orderReturn { id } } }', { id, lines: [{ lineId, quantity: 1 }], key: newKey() }, { token: buyer.token }); // prettier-ignore
    const returnId = dataOf(asked).answer.orderReturn.id;
    const deciding = send(staff, 'mutation D($returnId: ID!) { answer: decideReturn(returnId: $returnId, approve: true) { userErrors { ... on UserError { code } } } }', { returnId }); // prettier-ignore
    expect(dataOf(await deciding()).answer).toEqual(done);
    return returnId;
  }
  const receiving = (returnId: string, { lineId }: Paid) =>
    send(staff, 'mutation V($returnId: ID!, $lines: [ReceivedLineInput!]!, $key: String) { answer: receiveReturn(returnId: $returnId, lines: $lines, idempotencyKey: $key) { userErrors { ... on UserError { code } } } }', { returnId, lines: [{ lineId, quantity: 1, restock: 1 }], key: newKey() }); // prettier-ignore

  /** Dies at `point`, comes back, is asked the same once more; then all agree on so much money and so many pieces. */
  async function dieAndAgree(
    point: string,
    order: Paid,
    ask: () => Promise<unknown>,
    expected: { state: string; backMinor: number; onHand: number },
  ): Promise<void> {
    await platform.dieAt(point);
    await ask().catch(() => undefined); // the server may be gone before it answers
    await platform.died();
    await platform.restart();
    staff = await logInAsAdmin(platform);
    const buyer = await logIn(platform, order.buyer);
    const { state, backMinor, onHand } = expected;
    const agrees = async (): Promise<boolean> => {
      const now = await read(buyer, order.id);
      const wallet = await walletOf(platform, buyer);
      const stock = await stockOf(platform, staff, order.productId);
      return now.state === state && now.refundPendingTotal.amount === 0 && now.refundedTotal.amount === backMinor && wallet.balance === backMinor && stock.onHand === onHand && stock.allocated === 0; // prettier-ignore
    };
    await until(agrees, {
      timeoutMs: recoveryMs,
      everyMs: 200,
      what: `order, wallet and stock that agree on ${state}`,
    });
  }

  test.each(['order.cancelled', 'payment.order.closed', 'product.order.closed', 'payment.refund_started', 'payment.refund_sent', 'payment.refund_applied', 'order.payment.refunded'])('at %s while a paid order is cancelled gives all of it back, once', async (point) => {
    const order = await paidOrder();
    await dieAndAgree(point, order, cancelling(order), { state: 'CANCELLED', backMinor: quantity * priceMinor, onHand: 5 });
  }, 120_000); // prettier-ignore

  test.each(['order.cancelled', 'payment.refunds_spread', 'payment.order.refund_requested', 'product.order.lines_cancelled', 'payment.refund_sent', 'order.payment.refunded'])('at %s while a piece is cancelled gives one piece back, once', async (point) => {
    const order = await paidOrder();
    await dieAndAgree(point, order, cancelling(order, [{ lineId: order.lineId, quantity: 1 }]), { state: 'PAID', backMinor: priceMinor, onHand: 3 });
  }, 120_000); // prettier-ignore

  test.each(['order.refund_requested', 'payment.refunds_spread', 'payment.order.refund_requested', 'product.order.lines_cancelled', 'payment.refund_started', 'payment.refund_applied', 'order.payment.refunded'])('at %s while a piece is refunded gives one piece back, once', async (point) => {
    const order = await paidOrder();
    await dieAndAgree(point, order, refunding(order), { state: 'PAID', backMinor: priceMinor, onHand: 3 });
  }, 120_000); // prettier-ignore

  test.each(['order.return_received', 'product.order.stock_returned', 'payment.order.refund_requested'])('[AP-4] at %s while a returned piece is received gives one piece back, once', async (point) => {
    const order = await paidOrder();
    const returnId = await approvedReturn(order);
    await dieAndAgree(point, order, receiving(returnId, order), { state: 'COMPLETED', backMinor: priceMinor, onHand: 3 });
  }, 120_000); // prettier-ignore

  test('and of all that was killed the audit finds nothing wrong', () => expectCleanAudit(platform), 60_000);
});
