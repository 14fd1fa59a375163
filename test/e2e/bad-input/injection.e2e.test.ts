import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql';
import { type Connection, createConnection } from 'mysql2/promise';
import { expectCleanAudit } from '../../support/expect-clean-audit.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import {
  type Person,
  createProduct,
  logInAsAdmin,
  newKey,
  newMobile,
  placeOrder,
  register,
} from '../../support/shop.ts';

/** Texts that do something where a text gets out of its place in a statement. */
const attacks = [
  `'; drop table if exists orders, user_account, product, payment; -- `,
  `\\'; update orders set state = 'PAID'; -- `,
  `" or 1=1 union select table_name from information_schema.tables -- `,
  `x'), ('y'); delete from user_account; /*`,
];
const schema: GraphQLSchema = buildSchema(
  readFileSync(new URL('../../../schema/api.graphql', import.meta.url), 'utf8'),
);
/** What would end the sessions of this test, or has a test's worth of its own. */
const spared: ReadonlySet<string> = new Set([
  'logout',
  'revokeAllSessions',
  'suspendUser',
  'changePassword',
  'refreshToken',
]);

let platform: Platform;
let staff: Person;
let buyer: Person;
let connection: Connection;
let ids: Readonly<Record<string, string>>;
beforeAll(async () => {
  platform = await startPlatform({ shape: 'one', env: { LOGIN_ATTEMPTS: '1000000' } });
  [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform)]);
  const product = await createProduct(platform, staff, { onHand: 5 });
  const order = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }]);
  ids = { userId: buyer.id, productId: product.id, productIds: product.id, orderId: order.id, id: product.id };
  connection = await createConnection({ uri: platform.mysqlUrl });
}, 150_000);
afterAll(async () => {
  await connection?.end();
  await platform?.stop();
}, 60_000);

/** A place for a text among a field's arguments, e.g. `input.remark`, with arguments that are fine but for it. */
type Place = { readonly path: string; readonly args: (text: string) => Record<string, unknown> };

function plain(type: GraphQLInputType, name: string): unknown {
  if (isNonNullType(type)) return plain(type.ofType, name);
  if (isListType(type)) return [plain(type.ofType, name)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    const required = Object.values(type.getFields()).filter((field) => isNonNullType(field.type));
    return Object.fromEntries(required.map((field) => [field.name, plain(field.type, field.name)]));
  }
  const values: Record<string, unknown> = { Int: 1, Float: 1, Boolean: false, ID: ids[name] ?? ids['orderId'], SafeInt: 1, JSON: {}, DateTime: '2026-01-01T00:00:00.000Z', LocalDate: '2026-01-01' }; // prettier-ignore
  const texts: Record<string, string> = {
    currency: 'EUR',
    mobile: newMobile(),
    idempotencyKey: newKey(),
    password: 'correct horse battery',
  };
  return getNamedType(type).name in values ? values[getNamedType(type).name] : (texts[name] ?? 'text');
}

function placesIn(
  type: GraphQLInputType,
  name: string,
  depth = 0,
): { path: string; value: (text: string) => unknown }[] {
  if (isNonNullType(type)) return placesIn(type.ofType, name, depth);
  if (isListType(type))
    return placesIn(type.ofType, name, depth).map(({ path, value }) => ({ path, value: (text) => [value(text)] }));
  if (isInputObjectType(type)) {
    if (depth > 3) return [];
    return Object.values(type.getFields()).flatMap((field) =>
      placesIn(field.type, field.name, depth + 1).map(({ path, value }) => ({
        path: `${field.name}.${path}`,
        value: (text) => ({ ...(plain(type, name) as Record<string, unknown>), [field.name]: value(text) }),
      })),
    );
  }
  if (getNamedType(type).name === 'JSON') return [{ path: '(JSON)', value: (text) => ({ [text]: text }) }];
  return ['String', 'ID'].includes(getNamedType(type).name) ? [{ path: '', value: (text) => text }] : [];
}

function placesOf(field: GraphQLField<unknown, unknown>): Place[] {
  return field.args.flatMap((argument) =>
    placesIn(argument.type, argument.name).map(({ path, value }) => ({
      path: `${argument.name}.${path}`,
      args: (text) => ({
        ...Object.fromEntries(
          field.args.filter((each) => isNonNullType(each.type)).map((each) => [each.name, plain(each.type, each.name)]),
        ),
        [argument.name]: value(text),
      }),
    })),
  );
}

const selection = (type: GraphQLOutputType): string => (isLeafType(getNamedType(type)) ? '' : '{ __typename }');

async function ask(
  kind: 'query' | 'mutation',
  field: GraphQLField<unknown, unknown>,
  args: Record<string, unknown>,
  token: string,
) {
  const given = field.args.filter((argument) => argument.name in args);
  const variables = given.map((argument) => `$${argument.name}: ${String(argument.type)}`).join(', ');
  const names = given.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
  const document = `${kind} I(${variables}) { ${field.name}(${names}) ${selection(field.type)} }`;
  return platform.gql<Record<string, unknown>>(document, args, { token });
}

const fieldsOf = (kind: 'query' | 'mutation') =>
  Object.values((kind === 'query' ? schema.getQueryType() : schema.getMutationType())?.getFields() ?? {}).filter(
    ({ name, args }) => args.length > 0 && !spared.has(name),
  );
/** Every table with the number of its rows, and what an attack above would change. */
async function state() {
  const [tables] = await connection.query(
    'select count(*) as tables from information_schema.tables where table_schema like ?',
    [`${platform.prefix}\\_%`],
  );
  const [rows] = await connection.query(
    `select (select count(*) from ${platform.prefix}_order.orders where state = 'PAID') as paid,
       (select count(*) from ${platform.prefix}_user.user_account where id in (unhex(?), unhex(?))) as people`,
    [staff.id.replaceAll('-', ''), buyer.id.replaceAll('-', '')],
  );
  return { tables, rows };
}

test.each(['query', 'mutation'] as const)(
  'a text of a %s stays a text, in every place that the API has for one',
  async (kind) => {
    const before = await state();
    const wrong: string[] = [];
    let places = 0;
    for (const field of fieldsOf(kind)) {
      for (const { path, args } of placesOf(field)) {
        places += 1;
        for (const text of attacks) {
          // What one of them may not do, the other one may.
          for (const { token } of [buyer, staff]) {
            const { status, errors } = await ask(kind, field, args(text), token);
            const codes = (errors ?? []).map(({ extensions }) => extensions.code);
            if (status >= 500 || codes.includes('INTERNAL_SERVER_ERROR'))
              wrong.push(`${field.name}(${path}) of ${text}: ${status} ${JSON.stringify(errors)}`);
          }
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(places).toBeGreaterThan(kind === 'query' ? 20 : 60);
    expect(await state()).toEqual(before);
    await expectCleanAudit(platform);
  },
  300_000,
);

test('a text that is stored is given back as it was sent', async () => {
  type Found = { order: { remark: string } };
  for (const text of attacks) {
    const product = await createProduct(platform, staff, { onHand: 1 });
    const { id } = await placeOrder(platform, buyer, [{ productId: product.id, quantity: 1 }], {
      remark: text,
    });
    const { data } = await platform.gql<Found>(
      'query ($id: ID!) { order(id: $id) { remark } }',
      { id },
      { token: buyer.token },
    );
    expect(data?.order.remark).toBe(text);
  }
}, 60_000);
