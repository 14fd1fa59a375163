import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { idToBytes } from '../../../subgraphs/shared/values/ids.ts';
import { catchUpSales } from '../../../subgraphs/order/sales-report.ts';
import { type OrderWorld, openOrderWorld, userViewer } from './order-world.ts';

let world: OrderWorld;
const staff = userViewer('OPERATOR');
beforeAll(async () => {
  world = await openOrderWorld({ env: { SHOP_TIME_ZONE: 'Pacific/Auckland' } });
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const fields = 'from orders items gross { amount } discounts { amount } shipping { amount } tax { amount } refunds { amount currency } net { amount }'; // prettier-ignore
const report = async (from: string, to = from, more = '') => {
  const { data, errors } = await world.run(staff, `{ salesReport(from: "${from}", to: "${to}", currency: "EUR"${more}) { rows { ${fields} } total { ${fields} } topProducts { product { id } quantity gross { amount } } } }`); // prettier-ignore
  expect(errors).toEqual([]);
  return data.salesReport;
};
/** Places and pays an order of so many pieces at 12.90 EUR at a time. */
async function sell(paidAt: string, quantity = 1): Promise<{ id: string; paymentId: string; productId: string }> {
  const productId = await world.make(50);
  const { id } = await world.place(userViewer(), { lines: [{ productId, quantity }] });
  const paid = world.succeeded(id, { amountMinor: 1_290 * quantity, paidAt });
  await world.paymentEvent(paid);
  return { id, paymentId: String(paid.data['paymentId']), productId };
}

describe('the report of sales', () => {
  it('counts an order on the shop’s day when it was paid, and what went back of it', async () => {
    // Noon UTC of the first is the second in Auckland.
    const one = await sell('2026-01-01T12:00:00.000Z', 2);
    await sell('2026-01-01T10:00:00.000Z');
    const { rows, total, topProducts } = await report('2026-01-01', '2026-01-02');
    const money = (gross: number) => ({ gross: { amount: gross }, discounts: { amount: 0 }, shipping: { amount: 0 }, tax: { amount: 0 }, refunds: { amount: 0, currency: 'EUR' }, net: { amount: gross } }); // prettier-ignore
    expect(rows).toEqual([
      { from: '2026-01-01', orders: 1, items: 1, ...money(1_290) },
      { from: '2026-01-02', orders: 1, items: 2, ...money(2_580) },
    ]);
    expect(total).toEqual({ from: '2026-01-01', orders: 2, items: 3, ...money(3_870) });
    expect(topProducts[0]).toEqual({ product: { id: one.productId }, quantity: 2, gross: { amount: 2_580 } });
  });

  it('counts a refund on the day that it was told, once however often it is told', async () => {
    const { id, paymentId } = await sell('2026-02-01T00:00:00.000Z', 2);
    const before = (await report('2026-02-01')).total;
    expect(before).toMatchObject({ orders: 1, refunds: { amount: 0 }, net: { amount: 2_580 } });
    const refund = world.refunded(id, { paymentId, amountMinor: 580 });
    for (const again of [refund, refund, { ...refund, id: (await sell('2026-02-20T00:00:00.000Z')).id }])
      await world.paymentEvent(again);
    expect((await report('2026-02-01')).total).toMatchObject({ refunds: { amount: 0 }, net: { amount: 2_580 } });
    const today = (await world.run(staff, '{ shopDate }')).data.shopDate;
    expect((await report(today)).total).toMatchObject({ orders: 0, refunds: { amount: 580 }, net: { amount: -580 } });
  });

  it('does not count unpaid orders, parts, and money that came twice and went back', async () => {
    const today = (await world.run(staff, '{ shopDate }')).data.shopDate;
    const before = (await report(today)).total;
    const open = await world.place(userViewer());
    await world.paymentEvent(world.succeeded(open.id, { amountMinor: 290 }));
    const { id } = await sell('2026-03-01T00:00:00.000Z');
    const twice = world.succeeded(id);
    await world.paymentEvent(twice);
    await world.paymentEvent(world.refunded(id, { paymentId: twice.data['paymentId'], amountMinor: 1_290 }));
    expect((await report(today)).total).toEqual(before);
    expect((await report('2026-03-01')).total).toMatchObject({ orders: 1, net: { amount: 1_290 } });
  });

  it('has every order once when many count at the same time, and again after a crash at any place', async () => {
    for (let count = 0; count < 12; count += 1) await sell('2026-04-01T00:00:00.000Z');
    const { db } = world.deps;
    let left = 3;
    const dying = { ...world.deps, db: { ...db, transaction: (work: Parameters<typeof db.transaction>[0]) => db.transaction(async (tx) => { const result = await work(tx); if (left-- > 0) throw new Error('killed before the commit'); return result; }) } } as typeof world.deps; // prettier-ignore
    for (let count = 0; count < 3; count += 1) await catchUpSales(dying).catch(() => undefined);
    await Promise.all(Array.from({ length: 8 }, () => catchUpSales(world.deps)));
    expect((await report('2026-04-01')).total).toMatchObject({ orders: 12, items: 12, net: { amount: 12 * 1_290 } });
    await world.rows('update sales_position set feed_seq = feed_seq - 20');
    expect((await report('2026-04-01')).total).toMatchObject({ orders: 12, net: { amount: 12 * 1_290 } });
  });

  it('keeps currencies apart, and rows by week and month', async () => {
    const { id } = await sell('2026-05-04T00:00:00.000Z');
    await world.rows("update orders set currency = 'USD' where id = ?", [idToBytes(id)]);
    await sell('2026-05-05T00:00:00.000Z');
    const weeks = (await report('2026-04-27', '2026-05-10', ', interval: WEEK')).rows;
    expect(weeks.map(({ from, orders }: { from: string; orders: number }) => [from, orders])).toEqual([['2026-04-27', 0], ['2026-05-04', 1]]); // prettier-ignore
    const months = (await report('2026-04-30', '2026-05-10', ', interval: MONTH')).rows;
    expect(months.map(({ from, orders }: { from: string; orders: number }) => [from, orders])).toEqual([['2026-04-30', 0], ['2026-05-01', 1]]); // prettier-ignore
    await world.rows("update orders set currency = 'EUR' where id = ?", [idToBytes(id)]);
  });

  it.each([
    ['an end before the beginning', '{ salesReport(from: "2026-01-02", to: "2026-01-01", currency: "EUR") { total { orders } } }'],
    ['more than 366 days', '{ salesReport(from: "2026-01-01", to: "2027-01-02", currency: "EUR") { total { orders } } }'],
    ['a currency that is none', '{ salesReport(from: "2026-01-01", to: "2026-01-01", currency: "euro") { total { orders } } }'],
  ])('of %s is refused', async (_, query) => {
    expect((await world.run(staff, query)).errors).toMatchObject([{ code: 'BAD_USER_INPUT' }]);
  }); // prettier-ignore

  it('takes a few statements, however much was sold', async () => {
    await report('2026-01-01', '2026-12-31');
    const { order } = await world.statements(() => report('2026-01-01', '2026-12-31'));
    expect(order.length).toBeLessThanOrEqual(5);
  });
});
