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
