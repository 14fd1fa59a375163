import type { Client } from 'urql';
import { type OrderFilter, OrdersDocument } from '../../../../schema/generated/operations.ts';
import { decimalText } from '../../../../subgraphs/shared/values/currencies.ts';
import { dataOf } from '../api.ts';
import type { CsvRow } from './csv.ts';
import { saveCsv } from './save-csv.ts';

const pageSize = 100;
/** More than a spreadsheet of them can be read; a narrower filter helps. Whether that was all is told. */
const mostPages = 50;

/** Saves what a list has as CSV. Resolves to how many orders are in it, and whether these are all. Throws ApiError. */
export async function exportOrders(
  client: Client,
  filter: OrderFilter,
): Promise<{ readonly count: number; readonly isAll: boolean }> {
  let isAll = false;
  const rows: CsvRow[] = [
    ['Number', 'Placed', 'State', 'Payment', 'Delivery', 'Customer', 'Items', 'Total', 'Currency'],
  ];
  let after: string | null = null;
  for (let page = 0; page < mostPages; page += 1) {
    const variables: { first: number; after: string | null; filter: OrderFilter } = { first: pageSize, after, filter };
    const { orders } = dataOf(
      await client.query(OrdersDocument, variables, { requestPolicy: 'network-only' }).toPromise(),
    );
    for (const { node } of orders.edges) {
      const { number, placedAt, state, paymentStatus, fulfilmentStatus, customer, lines, total } = node;
      const items = lines.map(({ title, quantity }) => `${quantity} × ${title}`).join('; ');
      rows.push([number, placedAt, state, paymentStatus, fulfilmentStatus, customer.name, items, decimalText(total.amount, total.currency), total.currency]); // prettier-ignore
    }
    after = orders.pageInfo.endCursor;
    isAll = !orders.pageInfo.hasNextPage || after === null;
    if (isAll) break;
  }
  saveCsv(`orders-${new Date().toISOString().slice(0, 10)}.csv`, rows);
  return { count: rows.length - 1, isAll };
}
