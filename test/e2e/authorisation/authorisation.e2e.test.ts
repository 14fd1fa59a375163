import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type GraphQLField,
  type GraphQLObjectType,
  buildSchema,
  getNamedType,
  isCompositeType,
  isObjectType,
  isUnionType,
} from 'graphql';
import { freePort } from '../../../ops/embedded/servers.ts';
import type { Answer, Platform } from '../../support/platform.ts';
import { startPlatform } from '../../support/platform.ts';
import {
  type Person,
  createProduct,
  dataOf,
  logIn,
  logInAsAdmin,
  newKey,
  newMobile,
  pay,
  placeOrder,
  readOrder,
  register,
  watch,
} from '../../support/shop.ts';
import { askSubgraph } from '../../support/subgraph-caller.ts';
import { type CallerName, callers, entities, entityKeys, internalFields } from './entities.ts';
import {
  type Expected,
  type Fixture,
  type Outcome,
  type Role,
  nestedFields,
  outcomesOf,
  roles,
  rootFields,
} from './root-fields.ts';
import { until } from '../../support/until.ts';

const api = buildSchema(readFileSync(new URL('../../../schema/api.graphql', import.meta.url), 'utf8'));
const operations = [
  ['Query', 'query', api.getQueryType()],
  ['Mutation', 'mutation', api.getMutationType()],
  ['Subscription', 'subscription', api.getSubscriptionType()],
] as const;
const fieldsOf = (type: GraphQLObjectType | null | undefined): GraphQLField<unknown, unknown>[] =>
  Object.values(type?.getFields() ?? {});

/** The smallest document that calls a root field with all its arguments as variables. */
function documentOf(kind: string, field: GraphQLField<unknown, unknown>, given: Record<string, unknown>): string {
  const args = field.args.filter(({ name }) => name in given);
  const declared = args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const passed = args.map(({ name }) => `${name}: $${name}`).join(', ');
  const type = getNamedType(field.type);
  const errors = isObjectType(type) ? type.getFields()['userErrors'] : undefined;
  const selection = !isCompositeType(type)
    ? ''
    : errors && isUnionType(getNamedType(errors.type))
      ? ' { userErrors { __typename } }'
      : ' { __typename }';
  return `${kind} Probe${declared ? `(${declared})` : ''} { ${field.name}${passed ? `(${passed})` : ''}${selection} }`;
}

function outcomeOf(name: string, answer: Answer): Outcome {
  const code = answer.errors?.[0]?.extensions.code;
  if (code === 'UNAUTHENTICATED' || code === 'FORBIDDEN' || code === 'NOT_FOUND') return code;
  if (code !== undefined && code !== 'BAD_USER_INPUT') throw new Error(`${name}: ${JSON.stringify(answer.errors)}`);
  const payload = (answer.data as Record<string, { userErrors?: { __typename: string }[] } | null> | null)?.[name];
  const refusals = payload?.userErrors?.map(({ __typename }) => __typename) ?? [];
  if (refusals.includes('ForbiddenError')) return 'FORBIDDEN';
  if (refusals.includes('NotFoundError')) return 'NOT_FOUND';
  return 'allowed';
}

const described = (expected: Expected): string =>
  Object.entries(outcomesOf(expected)).map(([role, outcome]) => `${role} ${outcome}`).join(', '); // prettier-ignore

describe('who may do what', () => {
  let platform: Platform;
  let people: Record<Exclude<Role, 'anonymous'>, Person>;
  let shared: Omit<Fixture, 'key'>;
  const ports: Record<string, number> = {};

  async function ownOrder(): Promise<Pick<Fixture, 'orderId' | 'orderNumber' | 'sagaId' | 'productId'>> {
    const product = await createProduct(platform, people.staff, { onHand: 50 });
    const { id, number } = await placeOrder(platform, people.owner, [{ productId: product.id, quantity: 1 }]);
    const { saga } = await readOrder(platform, people.owner, id);
    return { orderId: id, orderNumber: number, sagaId: saga?.id ?? '', productId: product.id };
  }

  /** Somebody with this role beside that of a customer, signed in. */
  async function employed(admin: Person, role: 'MERCHANT' | 'OPERATOR'): Promise<Person> {
    const person = await register(platform, role);
    const give = 'mutation R($userId: ID!, $roles: [Role!]!) { setRoles(userId: $userId, roles: $roles) { userErrors { __typename } } }'; // prettier-ignore
    dataOf(await platform.gql(give, { userId: person.id, roles: ['CUSTOMER', role] }, { token: admin.token }));
    return logIn(platform, person);
  }

  beforeAll(async () => {
    for (const name of ['user', 'product', 'order', 'payment']) ports[name] = await freePort();
    platform = await startPlatform({
      shape: 'split',
      env: Object.fromEntries(
        Object.entries(ports).map(([name, port]) => [`${name.toUpperCase()}_PORT`, String(port)]),
      ),
    });
    const [staff, owner, stranger] = await Promise.all([
      logInAsAdmin(platform),
      register(platform, 'Owner'),
      register(platform, 'Stranger'),
    ]);
    const [merchant, operator] = await Promise.all([employed(staff, 'MERCHANT'), employed(staff, 'OPERATOR')]);
    people = { staff, owner, stranger, merchant, operator };
    const order = await ownOrder();
    const payment = await pay(platform, owner, order.orderId);
    const deliveries = async () => {
      type Deliveries = { webhookDeliveries: { edges: { node: { id: string } }[] } };
      return dataOf(
        await platform.gql<Deliveries>(
          '{ webhookDeliveries(first: 1) { edges { node { id } } } }',
          {},
          { token: staff.token },
        ),
      ).webhookDeliveries.edges[0]?.node.id;
    };
    const deliveryId = await until(deliveries, { what: 'a webhook' });
    const refund =
      'mutation Refund($input: RefundInput!, $key: String!) { refundPayment(input: $input, idempotencyKey: $key) { refund { id } } }';
    const input = { paymentId: payment.id, amount: { amount: 1, currency: 'EUR' }, reason: 'test' };
    type Refunded = { refundPayment: { refund: { id: string } | null } };
    const refunded = async () =>
      dataOf(await platform.gql<Refunded>(refund, { input, key: newKey() }, { token: staff.token })).refundPayment
        .refund?.id;
    const refundId = await until(refunded, { what: 'a refund' });
    shared = {
      refundId,
      ...order,
      paymentId: payment.id,
      ownerId: owner.id,
      mobile: newMobile(),
      password: 'wrong password',
      refreshToken: owner.refreshToken,
      deliveryId,
    };
  }, 150_000);
  afterAll(async () => {
    await platform?.stop();
  }, 60_000);

  test('every query, mutation and subscription of the API is in the table', () => {
    for (const [type, , object] of operations) {
      expect(Object.keys(rootFields[type]).toSorted()).toEqual(
        fieldsOf(object)
          .map(({ name }) => name)
          .toSorted(),
      );
    }
  });

  for (const [type, kind, object] of operations) {
    for (const field of fieldsOf(object)) {
      const probe = rootFields[type][field.name];
      if (!probe) continue; // the test above has said so
      test(`${kind} ${field.name}: ${described(probe.expected)}`, async () => {
        const found: Partial<Record<Role, Outcome>> = {};
        for (const role of roles) {
          // logout ends the session that it is called with.
          const person =
            role === 'anonymous' ? undefined : field.name === 'logout' ? await register(platform) : people[role];
          // What is removed here is still asked for below.
          const own =
            field.name === 'removeProduct' ? { productId: (await createProduct(platform, people.staff)).id } : {};
          const variables =
            probe.variables?.({
              ...shared,
              ...own,
              key: newKey(),
              mobile: ['register', 'requestPasswordReset'].includes(field.name) ? newMobile() : shared.mobile,
            }) ?? {};
          const document = documentOf(kind, field, variables);
          found[role] = outcomeOf(
            field.name,
            kind === 'subscription'
              ? await firstOf(document, variables, person?.token)
              : await platform.gql(document, variables, { token: person?.token }),
          );
        }
        expect(found).toEqual(outcomesOf(probe.expected));
      }, 30_000);
    }
  }

  /** The first thing that a subscription brings; nothing within a second is an open subscription. */
  async function firstOf(
    document: string,
    variables: Record<string, unknown>,
    token: string | undefined,
  ): Promise<Answer> {
    const watched = watch(platform, document, variables, { token });
    const silence = new Promise<'open'>((resolve) => setTimeout(resolve, 1_000, 'open'));
    const first = until(() => watched.results[0], { timeoutMs: 1_000 }).catch(() => undefined);
    const result = (await Promise.race([first, watched.closed, silence])) ?? watched.results[0];
    await watched.close();
    if (result === 'open' || result === undefined) return { status: 200, data: {} };
    if (Array.isArray(result)) return { status: 200, data: null, errors: result as NonNullable<Answer['errors']> };
    return result as Answer;
  }

  for (const [name, { document, variables, expected }] of Object.entries(nestedFields)) {
    test(`${name}: ${described(expected)}`, async () => {
      const found: Partial<Record<Role, Outcome>> = {};
      for (const role of roles) {
        found[role] = outcomeOf(
          name,
          await platform.gql(document, variables({ ...shared, key: newKey() }), {
            token: role === 'anonymous' ? undefined : people[role].token,
          }),
        );
      }
      expect(found).toEqual(outcomesOf(expected));
    });
  }

  const administered: Readonly<Record<string, string>> = {
    suspended:
      'mutation S($userId: ID!) { suspendUser(userId: $userId, reason: "probe") { userErrors { __typename } } }',
    erased: 'mutation S($userId: ID!) { eraseUser(userId: $userId, reason: "probe") { userErrors { __typename } } }',
    demoted: 'mutation S($userId: ID!) { setRoles(userId: $userId, roles: [CUSTOMER]) { userErrors { __typename } } }',
  };
  test.each(Object.entries(administered))('[PM-1] a user who is %s in mid-session opens no field with the token, not even public ones', async (_, change) => {
    const asAdmin = { token: people.staff.token };
    const { id: userId, token } = await employed(people.staff, 'OPERATOR');
    expect((await platform.gql('{ orders(first: 1) { edges { cursor } } }', {}, { token })).errors).toBeUndefined();
    dataOf(await platform.gql(change, { userId }, asAdmin));
    const codeOf = async (document: string, variables: Record<string, unknown>) =>
      (await platform.gql(document, variables, { token })).errors?.[0]?.extensions.code ?? 'allowed';
    await until(async () => (await codeOf('{ me { id } }', {})) === 'UNAUTHENTICATED', { timeoutMs: 5_000 });
    const opened: string[] = [];
    for (const [type, kind, object] of operations) {
      for (const field of fieldsOf(object)) {
        const variables = rootFields[type][field.name]?.variables?.({ ...shared, key: newKey() }) ?? {};
        const code = await codeOf(documentOf(kind, field, variables), variables);
        if (code !== 'UNAUTHENTICATED') opened.push(`${field.name}: ${code}`);
      }
    }
    expect(opened).toEqual([]);
  }, 60_000); // prettier-ignore

  test('every entity of every subgraph is in the table, and every operation that clients must not see', () => {
    expect(Object.keys(entities).toSorted()).toEqual(entityKeys().entities.toSorted());
    expect(Object.keys(internalFields).toSorted()).toEqual(entityKeys().internal.toSorted());
  });

  for (const [name, probe] of Object.entries(entities)) {
    test(`the entity ${name} shows ${probe.select} to: ${callers.filter((caller) => probe.visibleTo.includes(caller)).join(', ')}`, async () => {
      const [service = '', type = ''] = name.split('.');
      const query = `query Probe($r: [_Any!]!) { _entities(representations: $r) { __typename ... on ${type} { ${probe.select} } } }`;
      const seen: CallerName[] = [];
      for (const caller of callers) {
        const representation = { __typename: type, ...(await probe.representation(shared, { platform, people })) };
        const answer = await askSubgraph<{ _entities: (Record<string, unknown> | null)[] }>(
          `http://127.0.0.1:${ports[service]}`,
          identityOf(caller),
          query,
          { r: [representation] },
        );
        const field = /^\w+/.exec(probe.select)?.[0] ?? '';
        const value = answer.data?._entities?.[0]?.[field];
        if (value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)) seen.push(caller);
        else if (caller === 'outsider') expect(answer.errors?.[0]?.extensions.code).toBe('UNAUTHORISED_CALLER');
      }
      expect(seen).toEqual(callers.filter((caller) => probe.visibleTo.includes(caller)));
    });
  }

  for (const [name, probe] of Object.entries(internalFields)) {
    test(`${name} answers only ${[...probe.allowedApps, ...(probe.allowedPeople ?? [])].join(' and ')}, and no client`, async () => {
      const [service = '', field = ''] = name.split('.');
      const answers: string[] = [];
      for (const caller of callers) {
        const answer = await askSubgraph(
          `http://127.0.0.1:${ports[service]}`,
          identityOf(caller),
          probe.document,
          probe.variables(shared),
        );
        if (!answer.errors || !['FORBIDDEN', 'UNAUTHORISED_CALLER'].includes(answer.errors[0]?.extensions.code ?? ''))
          answers.push(caller);
      }
      const isAllowed = (caller: CallerName) =>
        probe.allowedApps.some((app) => caller === `service ${app}`) || probe.allowedPeople?.includes(caller);
      expect(answers).toEqual(callers.filter(isAllowed));
      const atGateway = await platform.gql(probe.document, probe.variables(shared), { token: people.staff.token });
      expect(atGateway.errors?.[0]?.message).toContain(field);
      expect(atGateway.data ?? null).toBeNull();
    });
  }

  const rolesOf: Readonly<Record<string, readonly ('MERCHANT' | 'OPERATOR' | 'ADMIN')[]>> = { merchant: ['MERCHANT'], operator: ['OPERATOR'], staff: ['ADMIN'] }; // prettier-ignore
  function identityOf(caller: CallerName): Parameters<typeof askSubgraph>[1] {
    if (caller === 'outsider') return { kind: 'outsider' };
    if (caller === 'anonymous') return { kind: 'gateway' };
    if (caller.startsWith('service ')) return { kind: 'service', app: caller.slice('service '.length) as 'order' };
    const person = people[caller as 'owner'];
    return {
      kind: 'gateway',
      viewer: { userId: person.id, roles: ['CUSTOMER', ...(rolesOf[caller] ?? [])] },
    };
  }
});
