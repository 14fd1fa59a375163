import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Sql } from '../../../subgraphs/shared/database/database.ts';
import type { Row } from '../../../subgraphs/shared/database/statements.ts';
import { idToBytes, newId } from '../../../subgraphs/shared/values/ids.ts';
import {
  type Beyond,
  type OrderFilter,
  type OrderScope,
  type SortColumn,
  listOrders,
  newestOfCustomers,
} from '../../../subgraphs/order/order-list-store.ts';
import type { StoredOrder } from '../../../subgraphs/order/stored-order.ts';
import { listSoldLines } from '../../../subgraphs/order/sold-lines/sold-line-store.ts';
import { type OrderWorld, openOrderWorld, userViewer } from './order-world.ts';

let world: OrderWorld;
const buyer = userViewer();
let productId: string;
const seller = newId();
let placedId: string;
/** Orders of others beside the buyer's: so many that reading them all is worse than any index. */
const bits = Array.from({ length: 13 }, (_, bit) => `(select 0 b${bit} union all select ${2 ** bit}) bit${bit}`);

beforeAll(async () => {
  world = await openOrderWorld();
  productId = await world.make();
  for (let count = 0; count < 8; count += 1)
    placedId = (await world.place(buyer, { lines: [{ productId, quantity: 1 }] })).id;
  const columns = 'type, payment_status, fulfilment_status, version, seq, last_hash, currency, subtotal_minor, input_hash, trace_id, expires_at'; // prettier-ignore
  // Old, paid and completed orders, each of a customer of its own.
  await world.rows(
    `insert into orders (id, number, customer_id, state, total_minor, placed_at, updated_at, ${columns})
     select unhex(replace(uuid(), '-', '')), concat('SO', date_format('2025-01-01' + interval n minute, '%y%m%d'), lpad(hex(n), 9, '0')), unhex(replace(uuid(), '-', '')), 'COMPLETED', 100 + n,
       '2025-01-01' + interval n minute, '2025-01-01' + interval n minute, type, 'PAID', 'FULFILLED', version, seq, last_hash, currency, subtotal_minor, input_hash, trace_id, expires_at
     from orders join (select ${bits.map((_, bit) => `b${bit}`).join(' + ')} n from ${bits.join(' join ')}) more
     where orders.id = (select id from (select min(id) id from orders) first)`,
  );
  // One in three has a reference.
  await world.rows("update orders set client_reference = concat('basket-', total_minor) where total_minor % 3 = 0 and placed_at < '2026-01-01'"); // prettier-ignore
  // A line of each, of a product and a seller of its own; and some of one seller.
  const money = 'sku, kind, title, quantity, unit_price_minor, add_ons, subtotal_minor, needs_fulfilment';
  await world.rows(
    `insert into order_line (order_id, position, id, product_id, seller_id, ${money})
     select o.id, 0, unhex(replace(uuid(), '-', '')), unhex(replace(uuid(), '-', '')), if(o.total_minor % 50 = 0, ?, unhex(replace(uuid(), '-', ''))), ${money}
     from (select id, total_minor from orders where placed_at < '2026-01-01') o join (select ${money} from order_line limit 1) line`,
    [idToBytes(seller)],
  );
  await world.rows('analyze table orders, order_line');
}, 120_000);
afterAll(async () => {
  await world.rows('delete from order_line where order_id in (select id from orders where placed_at < ?)', ['2026-01-01']); // prettier-ignore
  await world.rows('delete from orders where placed_at < ?', ['2026-01-01']);
  expect(await world.close()).toEqual([]);
}, 60_000);

/** How the database reads orders for what `work` asks of it. */
async function plansOf(
  work: (sql: Sql) => Promise<unknown>,
  /** What its statements are answered, by their text. */
  answer: (text: string) => Row[] = () => [],
): Promise<{ table: string; access: string; index: unknown; extra: string | null }[]> {
  const asked: { text: string; parameters: readonly unknown[] }[] = [];
  const noting: Sql = {
    rows: async (text, parameters) => {
      asked.push({ text, parameters });
      return answer(text);
    },
    write: async () => 0,
  };
  await work(noting);
  const plans = await Promise.all(
    asked.map(({ text, parameters }) => world.rows(`explain format=traditional ${text}`, [...parameters])),
  );
  return plans
    .flat()
    .filter((row) => row['table'] !== null && !(row['table'] as string).startsWith('<'))
    .map((row) => ({
      table: row['table'] as string,
      access: row['type'] as string,
      index: row['key'],
      extra: row['Extra'] as string | null,
    }));
}

const at = new Date();
const page = (filter: OrderFilter, scope: OrderScope = 'all', column: SortColumn = 'placed_at', descending = true) => ({
  selection: { scope, filter, at },
  order: { column, descending, beyond: null, limit: 21 },
});
const plan = ({ selection, order }: ReturnType<typeof page>) => plansOf((sql) => listOrders(sql, selection, order));

const filters: Readonly<Record<string, () => OrderFilter>> = {
  state: () => ({ state: ['PAID', 'PENDING_PAYMENT'] }),
  paymentStatus: () => ({ paymentStatus: ['UNPAID'] }),
  fulfilmentStatus: () => ({ fulfilmentStatus: ['UNFULFILLED'] }),
  type: () => ({ type: ['DIGITAL'] }),
  customerId: () => ({ customerId: buyer.userId }),
  productId: () => ({ productId }),
  number: () => ({ number: 'SO250101000000001' }),
  'the beginning of a number or reference': () => ({ query: 'SO250101000000' }),
  'the beginning of a reference': () => ({ query: 'Basket-' }),
  'query and state': () => ({ query: 'SO250101000000', state: ['COMPLETED'] }),
  'placedFrom and placedTo': () => ({ placedFrom: new Date('2026-01-01'), placedTo: new Date('2027-01-01') }),
  'updatedFrom and updatedTo': () => ({ updatedFrom: new Date('2026-01-01') }),
  totalMax: () => ({ totalMax: 110 }),
  needsFulfilment: () => ({ needsFulfilment: true }),
  hasReturn: () => ({ hasReturn: true }),
};

it.each(Object.entries(filters))('[LL-9] orders by %s are found by an index, and not one after the other', async (_, filterOf) => {
  const plans = await plan(page(filterOf()));
  expect(plans.length).toBeGreaterThan(0);
  // Returns are few: their index may be read from one end to the other.
  for (const { access } of plans.filter(({ table }) => table !== 'order_return')) expect(access).not.toMatch(/^(?:ALL|index)$/);
}); // prettier-ignore

const columns = ['placed_at', 'updated_at', 'total_minor', 'number'] as const;

it.each(columns)('[LL-9] of orders that many numbers and references begin like, by %s, no more is read than the page', async (column) => {
  const many = (text: string) => (text.includes('count(*)') ? [0, 1].map((batch_index) => ({ batch_index, orders: 2_001 })) : []); // prettier-ignore
  const { selection, order } = page({ query: 'SO25' }, 'all', column);
  const plans = await plansOf((sql) => listOrders(sql, selection, order), many);
  const [numbers, references, ...lists] = plans;
  expect([numbers, references]).toMatchObject([{ index: 'orders_number', extra: expect.stringContaining('Using index') }, { index: 'orders_reference', extra: expect.stringContaining('Using index') }]); // prettier-ignore
  expect(lists).toHaveLength(2);
  for (const { index, extra } of lists) {
    expect(index).toBe({ placed_at: 'orders_placed', updated_at: 'orders_updated', total_minor: 'orders_total', number: 'orders_number' }[column]); // prettier-ignore
    expect(extra ?? '').not.toContain('filesort');
  }
}); // prettier-ignore

it.each(columns.flatMap((column) => ['SO25', 'so2501', 'SO-25 01 03', 'SO250104 0', 'S', 'basket-'].map((query) => [query, column] as const)))('[LL-9] a query for %j by %s finds what reading all orders does, page by page', async (query, column) => {
  const key = column === 'number' ? 'number' : `${column}, id`;
  const typed = query.startsWith('b') ? 'basket-' : query.replaceAll(/[ -]/g, '').toUpperCase();
  const all = await world.rows(`select hex(id) id from orders where number like ? or client_reference like ? order by ${key.replaceAll(',', ' desc,')} desc limit 40`, [`${typed}%`, `${typed.toLowerCase()}%`]); // prettier-ignore
  const { selection, order } = page({ query }, 'all', column);
  const found = [];
  let beyond: Beyond | null = null;
  for (let count = 0; count < 2; count += 1) {
    const orders: StoredOrder[] = await listOrders(world.deps.db.em(), selection, { ...order, beyond, limit: 20 });
    found.push(...orders.map(({ id }) => idToBytes(id).toString('hex').toUpperCase()));
    const last = orders.at(-1);
    if (last) beyond = { id: last.id, value: { placed_at: last.placedAt, updated_at: last.updatedAt, total_minor: Number(last.totalMinor), number: last.number }[column] }; // prettier-ignore
  }
  expect(found).toEqual(all.map(({ id }) => id));
}); // prettier-ignore

it.each([
  ['changed lately', () => ({ updatedFrom: new Date('2025-01-01') }), 'orders_updated'],
  ['changed before a time', () => ({ updatedTo: new Date('2027-01-01') }), 'orders_updated'],
  ['with a return', () => ({ hasReturn: true }), undefined],
] as const)('[LL-9] of many orders %s, no more is read than the page, and they are those that reading all finds', async (_, filterOf, counted) => {
  const many = (text: string) => (text.includes('count(*)') && text.includes('limit') ? [{ batch_index: 0, orders: 2_001, returns: 2_001 }] : []); // prettier-ignore
  const { selection, order } = page(filterOf());
  const [count, listed] = await plansOf((sql) => listOrders(sql, selection, order), many);
  if (counted) expect(count).toMatchObject({ index: counted, extra: expect.stringContaining('Using index') });
  expect(listed?.table).toBe('orders');
  expect(listed?.index).toBe('orders_placed');
  expect(listed?.extra ?? '').not.toContain('filesort');
  // Few or many, the list is the same.
  const sql = world.deps.db.em();
  const asMany: Sql = { ...sql, rows: async (text, parameters) => (many(text).length > 0 ? many(text) : sql.rows(text, parameters)) }; // prettier-ignore
  const ids = (orders: readonly StoredOrder[]) => orders.map(({ id }) => id);
  expect(ids(await listOrders(asMany, selection, order))).toEqual(ids(await listOrders(sql, selection, order)));
}); // prettier-ignore

it('[LL-9] orders of the customers whom a name finds are found by an index', async () => {
  const selection = { scope: 'all', filter: {}, at, customerIds: [buyer.userId, newId(), newId()] } as const;
  const { order } = page({});
  for (const { access } of await plansOf((sql) => listOrders(sql, selection, order)))
    expect(access).not.toMatch(/^(?:ALL|index)$/);
});

it.each<[SortColumn, boolean]>([
  ['placed_at', true],
  ['placed_at', false],
  ['updated_at', true],
  ['updated_at', false],
  ['total_minor', true],
  ['total_minor', false],
  ['number', true],
  ['number', false],
])('[LL-9] all orders by %s (descending: %s) are read in the order of an index, no further than the page', async (column, descending) => {
  const [read] = await plan(page({}, 'all', column, descending));
  expect(read?.access).toBe('index');
  expect(read?.extra ?? '').not.toContain('filesort');
}); // prettier-ignore

it('[LL-9] a customer’s orders, and the newest of many customers, are found by the customer', async () => {
  const own = await plan(page({}, { customerId: buyer.userId }));
  expect(own).toMatchObject([{ access: 'ref', index: 'orders_customer' }]);
  const newest = await plansOf((sql) => newestOfCustomers(sql, [buyer.userId, newId()], 5));
  expect(newest).toMatchObject([{ access: 'ref', index: 'orders_customer' }, { access: 'ref', index: 'orders_customer' }]); // prettier-ignore
});

it.each([
  ['all', () => ({})],
  ['those of a time', () => ({ placedFrom: new Date('2026-11-01'), placedTo: new Date('2027-01-01') })],
  ['the next page', () => ({ beyond: newId() })],
  ['those of an order', () => ({ orderId: placedId })],
])('[LL-9] what a merchant sold, %s, is found by an index and not sorted', async (_, givenOf) => {
  const given = givenOf();
  const page = { sellerId: seller, orderId: null, placedFrom: null, placedTo: null, beyond: null, newestFirst: true, limit: 21 }; // prettier-ignore
  const plans = await plansOf((sql) => listSoldLines(sql, { ...page, ...given }));
  expect(plans.length).toBeGreaterThan(0);
  for (const { access } of plans) expect(access).not.toMatch(/^(?:ALL|index)$/);
  if (!('orderId' in given)) for (const { extra } of plans) expect(extra ?? '').not.toContain('filesort');
});

it('what this test takes for an index read is none where there is no index', async () => {
  const [row] = await world.rows('explain format=traditional select * from orders where remark = ? order by placed_at desc limit 21', [String(idToBytes(newId()))]); // prettier-ignore
  expect(['ALL', 'index']).toContain(row?.['type']);
});
