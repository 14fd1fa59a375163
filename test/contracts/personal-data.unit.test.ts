import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { orderEntities } from '../../subgraphs/order/records.ts';
import { entities as paymentEntities } from '../../subgraphs/payment/records.ts';
import { productEntities } from '../../subgraphs/product/records.ts';
import { sharedTables } from '../../subgraphs/shared/tables/outbox.ts';
import { entities as userEntities } from '../../subgraphs/user/records.ts';

const schemas: Readonly<Record<string, readonly unknown[]>> = {
  user: userEntities,
  product: productEntities,
  order: orderEntities,
  payment: paymentEntities,
};
/** In every schema, and described once. */
const sharedNames = new Set(['outbox', 'outbox_mark', 'inbox', 'dead_letter', 'barrier', 'idempotency']);

const columnOf = (property: string): string => property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `schema.table.column` of all tables. */
function allColumns(): string[] {
  const own = Object.entries(schemas).flatMap(([schema, entities]) =>
    entities.flatMap((entity) => {
      const { tableName, properties } = (entity as { meta: { tableName: string; properties: object } }).meta;
      return sharedNames.has(tableName) ? [] : Object.keys(properties).map((property) => `${schema}.${tableName}.${columnOf(property)}`); // prettier-ignore
    }),
  );
  const shared = Object.values(sharedTables)
    .flat()
    .flatMap((statement) => {
      const [, table = '', body = ''] = /create table if not exists (\w+) \(([\s\S]*)\)/.exec(statement) ?? [];
      return [...body.matchAll(/(\w+) (?:binary|varchar|char|json|datetime|int|enum)\b/g)].map(([, column]) => `shared.${table}.${column}`); // prettier-ignore
    });
  return [...own, ...shared];
}

/** What the page has, each as often as it has it. */
const documented = [
  ...readFileSync(new URL('../../docs/personal-data.md', import.meta.url), 'utf8').matchAll(/^\| `(\w+\.\w+)`\s*\|([^|]*)\|/gm),
].flatMap(([, table, columns = '']) => [...columns.matchAll(/`(\w+)`/g)].map(([, column]) => `${table}.${column}`)); // prettier-ignore

test('[PM-5] docs/personal-data.md says of every column of every table whether it tells of a person', () => {
  const columns = allColumns();
  expect(columns.length).toBeGreaterThan(300);
  expect(columns.filter((column) => !documented.includes(column))).toEqual([]);
});

test('docs/personal-data.md names columns that there are, each once', () => {
  const columns = new Set(allColumns());
  expect(documented.filter((column) => !columns.has(column))).toEqual([]);
  expect(documented.filter((column, index) => documented.indexOf(column) !== index)).toEqual([]);
});

/** Where a service reads what it exports of a person. */
const exporting: Readonly<Record<string, readonly string[]>> = {
  user: ['subgraphs/user/erasure/erasure-store.ts'],
  product: ['subgraphs/product/erasure.ts'],
  order: ['subgraphs/order/erasure/personal-data.ts'],
  payment: ['subgraphs/payment/erasure/erasure-store.ts'],
};
/** Of what is personal, what an export leaves out, or has under another name, and why. */
const notAsItIs: Readonly<Record<string, string>> = {
  'user.user_account.name_key': 'the name, as it is searched for',
  'user.address_book.default_shipping_id': 'an id of an address',
  'user.address_book.default_billing_id': 'an id of an address',
  'user.sign_in_place.last_used_at': 'of a hash',
  'user.password_reset_request.mobile': 'the number, for minutes',
  'user.outgoing_delivery.payload': 'of orders, which are exported',
  'user.outgoing_delivery.last_error': 'what another system answered',
  'user.notification_delivery.address': 'the address, for seconds',
  'user.notification_delivery.last_error': 'what a mail server answered',
  'user.audit_entry.before_value': 'what the shop wrote for itself',
  'user.audit_entry.after_value': 'what the shop wrote for itself',
  'product.stock_movement.reason': 'about goods',
  'product.night_movement.reason': 'about rooms',
  'order.orders.held_reference': 'the client’s reference while the order is open',
  'order.orders.reference_key': 'the client’s reference, as it is searched for',
  'order.orders.placed_from': 'a hash',
  'order.order_event.texts': 'in the entries’ reason and data',
  'payment.attempt.client_params': 'what opens a payment page',
  'payment.payment_event.data': 'what the shop wrote for itself',
  'payment.refund.provider_refund_id': 'an id of the provider’s',
  'payment.webhook_inbox.body': 'the provider’s words of payments, which are exported',
  'payment.webhook_inbox.error': 'what the shop wrote for itself',
};
const isSecret = (column: string): boolean => /_hash$|secret|signature$/.test(column);

test('[PM-5] what docs/personal-data.md calls personal is exported, or is left out for a reason', () => {
  const page = readFileSync(new URL('../../docs/personal-data.md', import.meta.url), 'utf8');
  const personal = [...(page.split('## Columns with personal data')[1]?.split('\n## ')[0] ?? '').matchAll(/^\| `(\w+)\.(\w+)`\s*\|([^|]*)\|/gm)]
    .filter(([, schema]) => schema !== 'shared')
    .flatMap(([, schema = '', table, columns = '']) => [...columns.matchAll(/`(\w+)`/g)].map(([, column = '']) => ({ schema, name: `${schema}.${table}.${column}`, column }))); // prettier-ignore
  const sources = Object.fromEntries(
    Object.entries(exporting).map(([schema, files]) => [
      schema,
      files.map((file) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')).join(),
    ]),
  );
  const camel = (column: string) => column.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const selects = ({ schema, column }: { schema: string; column: string }): boolean => {
    const source = sources[schema] ?? '';
    // Of a store, what is selected; of the rest, what is named.
    return schema === 'order' || schema === 'product'
      ? new RegExp(`\\b${camel(column)}\\b`).test(source)
      : new RegExp(`select\\([^)]*'(?:\\w\\.)?${column}'`).test(source);
  };
  expect(personal.length).toBeGreaterThan(60);
  expect(personal.filter((one) => !isSecret(one.column) && !selects(one) && notAsItIs[one.name] === undefined).map(({ name }) => name)).toEqual([]); // prettier-ignore
  expect(Object.keys(notAsItIs).filter((name) => !personal.some((one) => one.name === name))).toEqual([]);
});
