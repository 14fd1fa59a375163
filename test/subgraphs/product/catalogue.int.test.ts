import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { anonymous } from '../../../subgraphs/shared/auth/viewer.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type ProductWorld, openProductWorld, userViewer } from './product-world.ts';

let world: ProductWorld;
beforeAll(async () => {
  world = await openProductWorld();
});
afterAll(() => world.close());

const admin = userViewer('ADMIN');
const operator = userViewer('OPERATOR');
const merchant = userViewer('MERCHANT');
const otherMerchant = userViewer('MERCHANT');
const customer = userViewer('CUSTOMER');

const fields = /* GraphQL */ `
  fragment All on Product {
    id sku kind name subtitle description cover images version status createdAt updatedAt
    price { amount currency } marketPrice { amount currency } seller { id }
    addOns { code name unitPrice { amount currency } perPerson perNight }
    stock { onHand allocated available lowStockThreshold allowBackorder version }
  }
  fragment Errors on ProductPayload {
    replayed
    userErrors {
      __typename
      ... on UserError { code message path }
      ... on ConflictError { expectedVersion actualVersion }
      ... on IdempotencyConflictError { retryable }
    }
  }
`; // prettier-ignore
const create = `mutation Create($input: CreateProductInput!, $key: String!) { createProduct(input: $input, idempotencyKey: $key) { product { ...All } ...Errors } } ${fields}`;
const update = `mutation Update($input: UpdateProductInput!, $key: String) { updateProduct(input: $input, idempotencyKey: $key) { product { ...All } ...Errors } } ${fields}`;
const remove = `mutation Remove($id: ID!, $key: String) { removeProduct(id: $id, idempotencyKey: $key) { product { ...All } ...Errors } } ${fields}`;
const byId = 'query P($id: ID, $sku: String) { product(id: $id, sku: $sku) { id sku status } }';

const input = (change: Record<string, unknown> = {}) => ({
  sku: newId(),
  name: 'Espresso beans',
  description: 'Dark roast, 1 kg',
  price: { amount: 1290, currency: 'EUR' },
  ...change,
});

describe('createProduct', () => {
  test('makes a product with all its fields and its first movement', async () => {
    const given = input({
      subtitle: 'Napoli', cover: '/images/beans.jpg', images: ['https://cdn.example.com/1.jpg'], initialOnHand: 7,
      marketPrice: { amount: 1590, currency: 'EUR' },
      addOns: [{ code: 'gift', name: 'Gift wrap', unitPrice: { amount: 0, currency: 'EUR' } }],
    }); // prettier-ignore
    const { data, errors } = await world.run(merchant, create, { input: given, key: newId() });
    expect(errors).toEqual([]);
    const { initialOnHand, ...same } = given as Record<string, unknown>;
    expect(data.createProduct).toMatchObject({
      replayed: false,
      userErrors: [],
      product: {
        ...same,
        kind: 'STOCKED',
        status: 'ON_SALE',
        version: 1,
        seller: { id: merchant.userId },
        addOns: [
          {
            code: 'gift',
            name: 'Gift wrap',
            unitPrice: { amount: 0, currency: 'EUR' },
            perPerson: false,
            perNight: false,
          },
        ],
        stock: {
          onHand: initialOnHand,
          allocated: 0,
          available: 7,
          lowStockThreshold: 0,
          allowBackorder: false,
          version: 1,
        },
      },
    });
  });

  test('the same key gives the same product; other input with it is refused', async () => {
    const key = newId();
    const given = input();
    const first = await world.run(admin, create, { input: given, key });
    const again = await world.run(admin, create, { input: given, key });
    expect(again.data.createProduct).toEqual({ ...first.data.createProduct, replayed: true });
    const other = await world.run(admin, create, { input: { ...given, name: 'Else' }, key });
    expect(other.data.createProduct).toMatchObject({
      product: null,
      userErrors: [{ __typename: 'IdempotencyConflictError', retryable: false }],
    });
  });

  test('the same request ten times at once makes one product', async () => {
    const request = { input: input({ initialOnHand: 3 }), key: newId() };
    const answers = await Promise.all(Array.from({ length: 10 }, () => world.run(admin, create, request)));
    expect(new Set(answers.map(({ data }) => data.createProduct.product.id)).size).toBe(1);
    expect(answers.filter(({ data }) => !data.createProduct.replayed)).toHaveLength(1);
  });

  test('a SKU that is taken is a conflict, and nothing is made', async () => {
    const given = input();
    await world.run(admin, create, { input: given, key: newId() });
    const { data } = await world.run(admin, create, { input: given, key: newId() });
    expect(data.createProduct).toMatchObject({
      product: null,
      userErrors: [{ code: 'CONFLICT', path: ['input', 'sku'] }],
    });
  });

  test('a product of staff is the platform’s own', async () => {
    const { data } = await world.run(operator, create, { input: input(), key: newId() });
    expect(data.createProduct.product.seller).toBeNull();
  });

  test('all that is wrong is told at once, with its path', async () => {
    const bad = input({
      sku: 'a b',
      name: ' ',
      price: { amount: 0, currency: 'eur' },
      images: ['ftp://x'],
      initialOnHand: -1,
    });
    const { data } = await world.run(admin, create, { input: bad, key: newId() });
    expect(data.createProduct.userErrors.map((error: { path: string[] }) => error.path.join('.'))).toEqual([
      'input.sku', 'input.name', 'input.images.0', 'input.price.amount', 'input.price.currency', 'input.initialOnHand',
    ]); // prettier-ignore
  });

  test('a digital product has no stock and takes none', async () => {
    const { data } = await world.run(admin, create, { input: input({ kind: 'DIGITAL' }), key: newId() });
    expect(data.createProduct.product.stock).toBeNull();
    const refused = await world.run(admin, create, {
      input: input({ kind: 'DIGITAL', initialOnHand: 1 }),
      key: newId(),
    });
    expect(refused.data.createProduct.userErrors[0].path).toEqual(['input', 'initialOnHand']);
  });

  test('amounts beyond 2^53 − 1 and keys with spaces are refused', async () => {
    const tooMuch = await world.run(admin, create, {
      input: input({ price: { amount: 2 ** 53, currency: 'EUR' } }),
      key: newId(),
    });
    expect(tooMuch.errors[0]?.code).toBe('BAD_USER_INPUT');
    const badKey = await world.run(admin, create, { input: input(), key: 'two words' });
    expect(badKey.data.createProduct.userErrors[0].path).toEqual(['idempotencyKey']);
  });
});

describe('updateProduct', () => {
  const change = (viewer: Parameters<ProductWorld['run']>[0], given: Record<string, unknown>, key?: string) =>
    world.run(viewer, update, { input: given, key });

  test('changes only the given fields and counts the version', async () => {
    const product = await world.make({ subtitle: 'kept', initialOnHand: 2 });
    const { data } = await change(admin, {
      id: product.id,
      expectedVersion: 1,
      name: ' New name ',
      lowStockThreshold: 5,
    });
    expect(data.updateProduct).toMatchObject({
      userErrors: [],
      product: {
        name: 'New name',
        subtitle: 'kept',
        version: 2,
        price: { amount: 1290 },
        stock: { lowStockThreshold: 5, onHand: 2 },
      },
    });
  });

  test('null removes what may be missing and is refused for the rest', async () => {
    const product = await world.make({ subtitle: 'gone', images: ['/a.jpg'] });
    const cleared = await change(admin, { id: product.id, expectedVersion: 1, subtitle: null, images: null });
    expect(cleared.data.updateProduct.product).toMatchObject({ subtitle: null, images: [] });
    const refused = await change(admin, { id: product.id, expectedVersion: 2, name: null });
    expect(refused.data.updateProduct.userErrors[0].path).toEqual(['input', 'name']);
  });

  test('half a surrogate pair is refused with a key and without', async () => {
    const product = await world.make();
    for (const key of [undefined, 'half-a-pair']) {
      const { data } = await change(admin, { id: product.id, expectedVersion: 1, description: 'half \ud83d' }, key);
      expect(data.updateProduct).toMatchObject({ product: null, userErrors: [{ code: 'VALIDATION' }] });
    }
  });

  test('another version is a conflict that names both', async () => {
    const product = await world.make();
    await change(admin, { id: product.id, expectedVersion: 1, name: 'Second' });
    const { data } = await change(admin, { id: product.id, expectedVersion: 1, name: 'Third' });
    expect(data.updateProduct).toMatchObject({
      product: null,
      userErrors: [{ code: 'CONFLICT', expectedVersion: 1, actualVersion: 2 }],
    });
  });

  test('of ten changes of one version at the same time one succeeds', async () => {
    const product = await world.make();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        change(admin, { id: product.id, expectedVersion: 1, name: `Name ${index}` }),
      ),
    );
    expect(answers.filter(({ data }) => data.updateProduct.userErrors.length === 0)).toHaveLength(1);
  });

  test('a repeated key answers again although the version has moved', async () => {
    const product = await world.make();
    const key = newId();
    const given = { id: product.id, expectedVersion: 1, name: 'Once' };
    await change(admin, given, key);
    const { data } = await change(admin, given, key);
    expect(data.updateProduct).toMatchObject({ replayed: true, userErrors: [], product: { version: 2 } });
  });

  test('a new currency must fit what stays', async () => {
    const product = await world.make({ marketPrice: { amount: 2000, currency: 'EUR' } });
    const { data } = await change(admin, { id: product.id, expectedVersion: 1, price: { amount: 1, currency: 'USD' } });
    expect(data.updateProduct.userErrors[0].path).toEqual(['input', 'marketPrice', 'currency']);
  });

  test('unknown and malformed ids are not found', async () => {
    for (const id of [newId(), 'x', '']) {
      const { data } = await change(admin, { id, expectedVersion: 1 });
      expect(data.updateProduct.userErrors[0]).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' });
    }
  });
});

describe('removeProduct', () => {
  test('[GM-2] archives: gone for customers, there for staff and the seller, and again is a success', async () => {
    const product = await world.make({}, merchant);
    for (const _ of [1, 2]) {
      const { data } = await world.run(merchant, remove, { id: product.id });
      expect(data.removeProduct).toMatchObject({ userErrors: [], product: { status: 'ARCHIVED', version: 2 } });
    }
    expect((await world.run(customer, byId, { id: product.id })).errors[0]?.code).toBe('NOT_FOUND');
    for (const viewer of [merchant, admin])
      expect((await world.run(viewer, byId, { id: product.id })).data.product.status).toBe('ARCHIVED');
  });
});

describe('who may do what', () => {
  const codeOf = (payload: { userErrors: { code: string }[] }) => payload.userErrors[0]?.code ?? 'OK';

  test.each([
    ['an administrator', admin, 'OK', 'OK'],
    ['an operator', operator, 'OK', 'OK'],
    ['the seller', merchant, 'OK', 'OK'],
    ['another merchant', otherMerchant, 'OK', 'FORBIDDEN'],
    ['a customer', customer, 'FORBIDDEN', 'FORBIDDEN'],
  ] as const)('%s', async (_, viewer, created, changed) => {
    const product = await world.make({ initialOnHand: 5 }, merchant);
    const adjust =
      'mutation A($c: [StockDelta!]!, $k: String!) { adjustStock(changes: $c, idempotencyKey: $k) { userErrors { ... on UserError { code } } } }';
    const set =
      'mutation S($c: [StockSet!]!, $k: String!) { setStock(changes: $c, idempotencyKey: $k) { userErrors { ... on UserError { code } } } }';
    expect(codeOf((await world.run(viewer, create, { input: input(), key: newId() })).data.createProduct)).toBe(
      created,
    );
    expect(
      codeOf((await world.run(viewer, update, { input: { id: product.id, expectedVersion: 1 } })).data.updateProduct),
    ).toBe(changed);
    const delta = [{ productId: product.id, delta: 1, reason: 'r' }];
    expect(codeOf((await world.run(viewer, adjust, { c: delta, k: newId() })).data.adjustStock)).toBe(changed);
    const onHand = (await world.stock(product.id)).onHand;
    const figures = [{ productId: product.id, onHand: 9, expectedOnHand: onHand, reason: 'r' }];
    expect(codeOf((await world.run(viewer, set, { c: figures, k: newId() })).data.setStock)).toBe(changed);
    expect(codeOf((await world.run(viewer, remove, { id: product.id })).data.removeProduct)).toBe(changed);
  });

  test('somebody who is not signed in, or a service, is UNAUTHENTICATED', async () => {
    for (const viewer of [anonymous, { kind: 'service', app: 'order' } as const]) {
      expect((await world.run(viewer, create, { input: input(), key: newId() })).errors[0]?.code).toBe(
        'UNAUTHENTICATED',
      );
      expect((await world.run(viewer, remove, { id: newId() })).errors[0]?.code).toBe('UNAUTHENTICATED');
    }
  });

  test('a draft of somebody else is not found, not forbidden', async () => {
    const draft = await world.make({ status: 'DRAFT' }, merchant);
    const { data } = await world.run(otherMerchant, remove, { id: draft.id });
    expect(codeOf(data.removeProduct)).toBe('NOT_FOUND');
  });

  const visible = async (
    viewer: Parameters<ProductWorld['run']>[0],
    query: string,
    variables: Record<string, unknown>,
    field: 'product' | '_entities',
  ) => {
    const value: unknown = (await world.run(viewer, query, variables)).data[field];
    return Boolean(Array.isArray(value) ? value[0] : value);
  };
  const entity =
    'query E($r: [_Any!]!) { _entities(representations: $r) { ... on Product { id name price { amount } stock { available } } } }';

  test.each([
    // status, viewer → by id, by reference
    ['ON_SALE', 'anonymous', anonymous, true, true],
    ['ON_SALE', 'customer', customer, true, true],
    ['OFF_SALE', 'anonymous', anonymous, true, true],
    ['DRAFT', 'anonymous', anonymous, false, false],
    ['DRAFT', 'customer', customer, false, false],
    ['DRAFT', 'another merchant', otherMerchant, false, false],
    ['DRAFT', 'seller', merchant, true, true],
    ['DRAFT', 'staff', operator, true, true],
    ['DRAFT', 'service', { kind: 'service', app: 'order' } as const, true, true],
    ['ARCHIVED', 'anonymous', anonymous, false, false],
    ['ARCHIVED', 'customer', customer, false, true],
    ['ARCHIVED', 'seller', merchant, true, true],
    ['ARCHIVED', 'staff', admin, true, true],
    ['ARCHIVED', 'service', { kind: 'service', app: 'order' } as const, true, true],
  ] as const)('a product that is %s, seen by %s', async (status, _, viewer, direct, reference) => {
    const product = await world.make(status === 'ARCHIVED' ? {} : { status }, merchant);
    if (status === 'ARCHIVED') await world.run(merchant, remove, { id: product.id });
    expect(await visible(viewer, byId, { id: product.id }, 'product')).toBe(direct);
    expect(await visible(viewer, byId, { sku: product.sku }, 'product')).toBe(direct);
    for (const key of [{ id: product.id }, { sku: product.sku }]) {
      expect(await visible(viewer, entity, { r: [{ __typename: 'Product', ...key }] }, '_entities')).toBe(reference);
    }
  });

  test('movements, reservations and the audit are for staff', async () => {
    const product = await world.make({ initialOnHand: 1 }, merchant);
    const ledger =
      'query L($id: ID!) { product(id: $id) { stock { onHand movements { edges { node { seq } } } reservations { id } } } }';
    const audit = 'query A($id: ID) { stockAudit(productId: $id) { consistent } }';
    for (const [viewer, code] of [
      [anonymous, 'UNAUTHENTICATED'],
      [customer, 'FORBIDDEN'],
      [merchant, 'FORBIDDEN'],
    ] as const) {
      // prettier-ignore
      expect((await world.run(viewer, ledger, { id: product.id })).errors.map((error) => error.code)).toContain(code);
      expect((await world.run(viewer, audit, { id: product.id })).errors[0]?.code).toBe(code);
    }
    expect((await world.run(operator, ledger, { id: product.id })).data.product.stock).toEqual({
      onHand: 1,
      movements: { edges: [{ node: { seq: 1 } }] },
      reservations: [],
    });
    expect((await world.run(operator, audit, { id: product.id })).data.stockAudit).toEqual([{ consistent: true }]);
  });

  test('a reservation is resolved for staff and services only', async () => {
    const reference = 'query E($r: [_Any!]!) { _entities(representations: $r) { __typename } }';
    for (const viewer of [anonymous, customer, merchant]) {
      expect(
        (await world.run(viewer, reference, { r: [{ __typename: 'StockReservation', id: newId() }] })).data._entities,
      ).toEqual([null]);
    }
  });
});

test('product takes exactly one of id and sku, and malformed ids are not found', async () => {
  for (const by of [{}, { id: newId(), sku: 'x' }])
    expect((await world.run(anonymous, byId, by)).errors[0]?.code).toBe('BAD_USER_INPUT');
  for (const by of [{ id: newId() }, { id: 'x' }, { sku: 'none' }]) {
    const answer = await world.run(anonymous, byId, by);
    expect(answer).toMatchObject({ data: { product: null }, errors: [{ code: 'NOT_FOUND' }] });
  }
});
