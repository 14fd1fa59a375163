import { randomBytes, randomUUID } from 'node:crypto';
import { until } from '../../support/until.ts';
import { createProduct, dataOf, newKey, newMobile, readOrder, register, watch } from '../../support/shop.ts';
import { type Errors, type Outcome, type World, ask, freshOrder, paidOrder, refusedFor, send } from './world.ts';

/** Tries a value of this size, or this value. */
export type Probe = (world: World, value: number) => Promise<Outcome>;

const dayMs = 86_400_000;
const items = <Item>(count: number, item: (index: number) => Item): Item[] => Array.from({ length: count }, (_, index) => item(index)); // prettier-ignore

/** Characters are code points: each of these is two UTF-16 units and four bytes. */
const text = (length: number): string => '😀'.repeat(length);
const ascii = (length: number): string => 'A'.repeat(length);
/** No two alike. */
const unlike = (length: number): string => (length < 6 ? '' : randomBytes(3).toString('hex')).padEnd(length, 'A');
const path = (length: number): string => '/'.padEnd(length, 'x');
const url = (length: number): string => 'https://shop.example/'.padEnd(length, 'x');
const password = (length: number): string => randomBytes(length).toString('base64url').slice(0, length);
const mobile = (digits: number): string => (digits < 5 ? '1'.repeat(digits) : newMobile().slice(2).repeat(2).slice(0, digits)); // prettier-ignore

const cents = (amount: number) => ({ amount, currency: 'EUR' });
const addOn = (code: string) => ({ code, name: 'Ribbon', unitPrice: cents(0) });

const by =
  (mutation: string, at: string, valueOf: (value: number) => unknown, otherwise: readonly string[] = []): Probe =>
  (world, value) =>
    send(world, mutation, at, valueOf(value), otherwise);
const itself = (value: number): number => value;
const promotion = (kind: string, field: string, valueOf: (value: number) => unknown, others: object = {}): Probe =>
  by('savePromotion', 'input', (value) => ({ name: 'Limit', kind, active: false, ...others, [field]: valueOf(value) }));

async function dayAhead(world: World, days: number): Promise<string> {
  const { data } = await world.platform.gql<{ shopDate: string }>('{ shopDate }');
  return new Date(Date.parse(`${data?.shopDate ?? ''}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);
}
/** Places an order for nights that begin so many days from today, for each so many nights. */
async function stay(world: World, from: number, nights: readonly number[], field: string): Promise<Outcome> {
  const lines = await Promise.all(
    nights.map(async (count) => ({
      productId: world.stayId,
      quantity: 1,
      stayFrom: await dayAhead(world, from),
      stayTo: await dayAhead(world, from + count),
      guests: 1,
    })),
  );
  return send(world, 'placeOrder', 'input', { type: 'BOOKING', currency: 'EUR', lines }, []).catch((error: Error) => {
    if (!error.message.includes(field)) throw error;
    return 'refused';
  });
}

const page =
  (query: (first: number) => string): Probe =>
  (world, first) =>
    ask(world, query(first), {}, 'first');
const root = (field: string): Probe => page((first) => `{ ${field}(first: ${first}) { edges { cursor } } }`);
const fromEnd = (field: string): Probe => (world, last) => ask(world, `{ ${field}(last: ${last}) { edges { cursor } } }`, {}, 'last'); // prettier-ignore
const mine = (field: string): Probe => page((first) => `{ me { ${field}(first: ${first}) { edges { cursor } } } }`);
const ofPayment: Probe = (world, first) =>
  ask(world, 'query ($id: ID!, $first: Int) { payment(id: $id) { events(first: $first) { edges { cursor } } } }', { id: world.payment.id, first }, 'first'); // prettier-ignore
const ofOrder: Probe = (world, first) =>
  ask(world, 'query ($id: ID!, $first: Int) { order(id: $id) { history(first: $first) { edges { cursor } } } }', { id: world.open.id, first }, 'first'); // prettier-ignore
const ofStock: Probe = (world, first) =>
  ask(world, 'query ($id: ID!, $first: Int) { product(id: $id) { stock { movements(first: $first) { edges { cursor } } } } }', { id: world.stockedId, first }, 'first'); // prettier-ignore

const search: Probe = (world, length) =>
  ask(world, 'query ($query: String) { products(filter: { query: $query }) { edges { cursor } } }', { query: text(length) }, 'query'); // prettier-ignore

async function nights(world: World, count: number): Promise<Outcome> {
  const query = 'query ($id: ID!, $from: LocalDate!, $to: LocalDate!) { product(id: $id) { availability(from: $from, to: $to) { date } } }'; // prettier-ignore
  const variables = { id: world.stayId, from: await dayAhead(world, 1), to: await dayAhead(world, 1 + count) };
  return ask(world, query, variables, 'to: must be 1 to');
}

/** So many pieces of a line are delivered; the order has one. */
const delivered = (world: World, quantity: number): Promise<Outcome> => pieces(world, quantity, 'fulfilOrder(id: $id, lines: $lines, idempotencyKey: $key)', 'ReturnLineInput'); // prettier-ignore
/** As `delivered`, and they are taken off it. */
const takenOff = (world: World, quantity: number): Promise<Outcome> => pieces(world, quantity, 'cancelOrder(id: $id, lines: $lines, idempotencyKey: $key)', 'OrderLineQuantityInput'); // prettier-ignore

async function pieces(world: World, quantity: number, call: string, input: string): Promise<Outcome> {
  const { id } = await paidOrder(world);
  const { lines } = await readOrder(world.platform, world.buyer, id);
  const document = `mutation ($id: ID!, $lines: [${input}!], $key: String!) { answer: ${call} { userErrors { ... on UserError { code path } } } }`;
  const variables = { id, lines: [{ lineId: lines[0]?.id, quantity }], key: newKey() };
  type Answer = { answer: { userErrors: { code: string; path: string[] }[] } };
  const { userErrors } = dataOf(await world.platform.gql<Answer>(document, variables, { token: world.staff.token })).answer; // prettier-ignore
  if (userErrors.some(({ code, path: at }) => code !== 'VALIDATION' || !at.includes('lines')))
    throw new Error(JSON.stringify(userErrors));
  return userErrors.length === 0 ? 'taken' : 'refused';
}

/** A group of one product with so many options. */
const optionNames: Probe = async (world, count) => {
  const names = items(count, (index) => `Option ${index}`);
  const { id: productId } = await createProduct(world.platform, world.staff);
  const products = [{ productId, options: names.map((name) => ({ name, value: 'A' })) }];
  return send(world, 'saveProductGroup', 'optionNames', names, [], { products });
};
/** A page of each category, of which there is one. */
const ofCategories: Probe = async (world, first) => {
  await send(world, 'saveCategory', 'name', 'Page');
  return ask(world, `{ categories { products(first: ${first}) { edges { cursor } } } }`, {}, 'first');
};
/** A group of so many products. */
async function groupOf(world: World, count: number): Promise<Outcome> {
  const products = await Promise.all(
    items(count, async (index) => ({
      productId: (await createProduct(world.platform, world.staff)).id,
      options: [{ name: 'Size', value: String(index) }],
    })),
  );
  return send(world, 'saveProductGroup', 'products', products);
}

/** A quote says of so many lines whether an order may have them. */
async function quotedLines({ platform, digitalId }: World, count: number): Promise<Outcome> {
  const query = 'query ($input: QuoteInput!) { quoteOrder(input: $input) { userErrors { ... on UserError { code path } } } }'; // prettier-ignore
  const input = { currency: 'EUR', lines: items(count, () => ({ productId: digitalId, quantity: 1 })) };
  type Quoted = { quoteOrder: { userErrors: { code: string; path: string[] }[] } };
  const { userErrors } = dataOf(await platform.gql<Quoted>(query, { input })).quoteOrder;
  if (userErrors.some(({ code, path: at }) => code !== 'VALIDATION' || at.join('.') !== 'input.lines'))
    throw new Error(JSON.stringify(userErrors));
  return userErrors.length === 0 ? 'taken' : 'refused';
}

/** Deliveries are asked for of an endpoint that is there. */
async function ofEndpoint(world: World, first: number): Promise<Outcome> {
  await send(world, 'saveWebhookEndpoint', 'description', 'Limits');
  return ask(world, `{ webhookEndpoints { deliveries(first: ${first}) { edges { cursor } } } }`, {}, 'first');
}

/** The last of so many addresses of one book. */
async function fullBook(world: World, count: number): Promise<Outcome> {
  const somebody = { ...world, buyer: await register(world.platform) };
  const outcomes: Outcome[] = [];
  for (const index of items(count, (at) => at))
    outcomes.push(await send(somebody, 'saveAddress', 'address.line2', `Flat ${index}`).catch(asFull));
  return outcomes.at(-1) ?? 'taken';
}
function asFull(error: Error): Outcome {
  if (!error.message.includes('address book')) throw error;
  return 'refused';
}

/** A subscription is taken when it tells of a change, and refused by its end. */
async function watched(world: World, count: number): Promise<Outcome> {
  const productIds = items(count, (index) => (index === 0 ? world.stockedId : randomUUID()));
  const document = 'subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { available } }';
  const subscription = watch(world.platform, document, { ids: productIds });
  let end: unknown;
  void subscription.closed.then((reason) => (end = reason ?? []));
  try {
    return await until(
      async () => {
        const [result] = subscription.results;
        const errors = result?.errors ?? end;
        if (errors) return refusedFor(errors as Errors, 'productIds');
        if (result?.data) return 'taken' as const;
        await freshOrder(world);
        return null;
      },
      { what: `an answer to a subscription to ${count} products`, everyMs: 500 },
    );
  } finally {
    await subscription.close();
  }
}

export const probes: Readonly<Record<string, Probe>> = {
  'User.orders(first:)': mine('orders'),
  'User.payments(first:)': mine('payments'),
  'User.products(first:)': mine('products'),
  'User.orders(last:)': (world, last) => ask(world, `{ me { orders(last: ${last}) { edges { cursor } } } }`, {}, 'last'),
  'Query.myOrders(last:)': fromEnd('myOrders'),
  'Query.orders(last:)': fromEnd('orders'),
  'Query.returns(last:)': fromEnd('returns'),
  'Query.returns(first:)': root('returns'),
  'Query.soldLines(last:)': fromEnd('soldLines'),
  'Query.soldLines(first:)': root('soldLines'),
  'Order.history(first:)': ofOrder,
  'Payment.events(first:)': ofPayment,
  'StockLevel.movements(first:)': ofStock,
  'Wallet.entries(first:)': page((first) => `{ me { wallet(currency: "EUR") { entries(first: ${first}) { edges { cursor } } } } }`),
  'Query.myOrders(first:)': root('myOrders'),
  'Query.orders(first:)': root('orders'),
  'Query.promotions(first:)': root('promotions'),
  'Query.sagas(first:)': page((first) => `{ sagas(first: ${first}) { id } }`),
  'Query.orderDeadLetters(first:)': root('orderDeadLetters'),
  'Query.payments(first:)': root('payments'),
  'Query.refunds(first:)': root('refunds'),
  'Query.disputes(first:)': root('disputes'),
  'Query.webhookDeliveries(first:)': root('webhookDeliveries'),
  'Query.paymentDeadLetters(first:)': root('paymentDeadLetters'),
  'Query.products(first:)': root('products'),
  'Query.lowStock(first:)': root('lowStock'),
  'Category.products(first:)': ofCategories,
  'Query.productDeadLetters(first:)': root('productDeadLetters'),
  'Query.userDeadLetters(first:)': root('userDeadLetters'),
  'Query.deadNotifications(first:)': root('deadNotifications'),
  'User.notifications(first:)': mine('notifications'),
  'Mutation.markNotificationsRead(ids:)': (world, count) => ask(world, 'mutation ($ids: [ID!]!) { markNotificationsRead(ids: $ids) }', { ids: items(count, () => randomUUID()) }, 'ids'), // prettier-ignore
  'Query.users(first:)': root('users'),
  'Query.staff(first:)': root('staff'),
  'Query.auditLog(first:)': root('auditLog'),
  'WebhookEndpoint.deliveries(first:)': ofEndpoint,
  'Product.availability': nights,
  'ProductFilter.query': search,
  'ProductFilter.ids': (world, count) =>
    ask(world, 'query ($ids: [ID!]) { products(filter: { ids: $ids }) { edges { cursor } } }', { ids: items(count, String) }, 'ids'),
  'ProductFilter.options': (world, count) =>
    ask(world, 'query ($options: [ProductOptionInput!]) { products(filter: { options: $options }) { edges { cursor } } }', { options: items(count, () => ({ name: 'Size', value: 'M' })) }, 'options'),
  'Subscription.stockChanged(productIds:)': watched,

  'Query.salesReport(to:)': (world, days) => ask(world, 'query ($to: LocalDate!) { salesReport(from: "2026-01-01", to: $to, currency: "EUR") { total { orders } } }', { to: new Date(Date.UTC(2026, 0, days)).toISOString().slice(0, 10) }, 'to'),
  'OrderLineInput.quantity': by('placeOrder', 'input.lines.0.quantity', itself),
  'OrderLineInput.stayFrom': (world, days) => stay(world, days, [1], 'stayFrom'),
  'OrderLineInput.stayTo': (world, count) => stay(world, 1, [count], 'stayTo'),
  'PlaceOrderInput.lines': (world, count) => send(world, 'placeOrder', 'input.lines', items(count, () => ({ productId: world.digitalId, quantity: 1 }))),
  'PlaceOrderInput.couponCodes': by('placeOrder', 'input.couponCodes', (count) => items(count, () => 'NONE'), ['UNKNOWN']),
  'PlaceOrderInput.remark': by('placeOrder', 'input.remark', text),
  'PlaceOrderInput.clientReference': by('placeOrder', 'input.clientReference', ascii),
  'QuoteInput.lines': quotedLines,
  'ShippingMethodInput.code': by('saveShippingMethod', 'input.code', unlike),
  'ShippingMethodInput.name': by('saveShippingMethod', 'input.name', text),
  'ShippingMethodInput.description': by('saveShippingMethod', 'input.description', text),
  'ShippingMethodInput.rates': by('saveShippingMethod', 'input.rates', (count) => items(count, () => ({ price: cents(1) }))),
  'ShippingMethodInput.taxCategory': by('saveShippingMethod', 'input.taxCategory', (length) => 'a'.repeat(length)),
  'ShippingMethodInput.minDays': by('saveShippingMethod', 'input.minDays', itself),
  'ShippingMethodInput.maxDays': by('saveShippingMethod', 'input.maxDays', itself),
  'ShippingRateInput.price': by('saveShippingMethod', 'input.rates.0.price', cents),
  'ShippingRateInput.upToWeightGrams': by('saveShippingMethod', 'input.rates.0.upToWeightGrams', itself),
  'ShippingRateInput.fromSubtotal': by('saveShippingMethod', 'input.rates.0.fromSubtotal', itself),
  // A country with regions of which no list is kept.
  'TaxRateInput.region': by('saveTaxRate', 'input', (length) => ({ countryCode: 'AE', region: text(length), name: 'Limit', ratePpm: 1, active: false })), // prettier-ignore
  'TaxRateInput.category': by('saveTaxRate', 'input.category', (length) => 'a'.repeat(length)),
  'TaxRateInput.name': by('saveTaxRate', 'input.name', text),
  'TaxRateInput.ratePpm': by('saveTaxRate', 'input.ratePpm', itself),
  'PromotionInput.name': by('savePromotion', 'input.name', text),
  'PromotionInput.code': by('savePromotion', 'input.code', unlike),
  'PromotionInput.valuePpm': promotion('PERCENT', 'valuePpm', itself),
  'PromotionInput.value': promotion('FIXED', 'value', cents),
  'PromotionInput.buyQuantity': promotion('BUY_X_GET_Y', 'buyQuantity', itself, { getQuantity: 1 }),
  'PromotionInput.getQuantity': promotion('BUY_X_GET_Y', 'getQuantity', itself, { buyQuantity: 1 }),
  'PromotionInput.productIds': by('savePromotion', 'input.productIds', (count) => items(count, () => randomUUID())),
  'PromotionInput.categoryIds': by('savePromotion', 'input.categoryIds', (count) => items(count, () => randomUUID())),
  'PromotionInput.minimumSubtotal': by('savePromotion', 'input.minimumSubtotal', cents),
  'PromotionInput.usageLimit': by('savePromotion', 'input.usageLimit', itself),
  'PromotionInput.usagePerCustomer': by('savePromotion', 'input.usagePerCustomer', itself),
  'Mutation.updateOrderRemark(remark:)': by('updateOrderRemark', 'remark', text),
  'Mutation.cancelOrder(reason:)': by('cancelOrder', 'reason', text),
  'Mutation.fulfilOrder(trackingNumber:)': by('fulfilOrder', 'trackingNumber', text),
  'Mutation.fulfilOrder(carrier:)': by('fulfilOrder', 'carrier', text),
  'Mutation.fulfilOrder(trackingUrl:)': by('fulfilOrder', 'trackingUrl', url),
  'Mutation.cancelFulfilment(reason:)': by('cancelFulfilment', 'reason', text, ['NOT_FOUND']),
  'ReturnLineInput.quantity': delivered,
  'OrderLineQuantityInput.quantity': takenOff,
  'Mutation.requestReturn(reason:)': by('requestReturn', 'reason', text, ['ORDER_STATE']),
  'Mutation.decideReturn(reason:)': by('decideReturn', 'reason', text, ['NOT_FOUND']),
  'Mutation.addOrderNote(note:)': by('addOrderNote', 'note', text),
  'Mutation.resolveAttention(note:)': by('resolveAttention', 'note', text, ['ORDER_STATE']),

  'CreatePaymentInput.returnUrl': by('createPayment', 'input.returnUrl', url),
  'CreateMixedPaymentInput.returnUrl': by('createMixedPayment', 'input.returnUrl', url),
  'RefundOrderInput.reason': by('refundOrder', 'input.reason', text),
  'RefundInput.reason': by('refundPayment', 'input.reason', text),
  'Mutation.creditWallet(reason:)': by('creditWallet', 'reason', text),
  'Mutation.confirmRefund(reference:)': by('confirmRefund', 'reference', text, ['NOT_FOUND']),

  'CreateProductInput.sku': by('createProduct', 'input.sku', unlike),
  'CreateProductInput.name': by('createProduct', 'input.name', text),
  'CreateProductInput.subtitle': by('createProduct', 'input.subtitle', text),
  'CreateProductInput.description': by('createProduct', 'input.description', text),
  'CreateProductInput.price': by('createProduct', 'input.price', cents),
  'CreateProductInput.marketPrice': by('createProduct', 'input.marketPrice', cents),
  'CreateProductInput.cover': by('createProduct', 'input.cover', path),
  'CreateProductInput.images': by('createProduct', 'input.images', (count) => items(count, () => '/x.svg')),
  'CreateProductInput.addOns': by('createProduct', 'input.addOns', (count) => items(count, (index) => addOn(`A${index}`))),
  'CreateProductInput.initialOnHand': by('createProduct', 'input.initialOnHand', itself),
  'CreateProductInput.capacity': by('createStay', 'input.capacity', itself),
  'CreateProductInput.maxGuests': by('createStay', 'input.maxGuests', itself),
  'AddOnInput.code': by('createProduct', 'input.addOns', (length) => [addOn(ascii(length))]),
  'AddOnInput.name': by('createProduct', 'input.addOns', (length) => [{ ...addOn('A'), name: text(length) }]),
  'AddOnInput.unitPrice': by('createProduct', 'input.addOns', (amount) => [{ ...addOn('A'), unitPrice: cents(amount) }]),
  'CreateProductInput.taxCategory': by('createProduct', 'input.taxCategory', (length) => 'a'.repeat(length)),
  'CreateProductInput.weightGrams': by('createProduct', 'input.weightGrams', itself),
  'UpdateProductInput.taxCategory': by('updateProduct', 'input.taxCategory', (length) => 'a'.repeat(length)),
  'UpdateProductInput.weightGrams': by('updateProduct', 'input.weightGrams', itself),
  'Mutation.saveCategory(slug:)': by('saveCategory', 'slug', (length) => unlike(length).toLowerCase()),
  'Mutation.saveCategory(name:)': by('saveCategory', 'name', text),
  'Mutation.saveProductGroup(name:)': by('saveProductGroup', 'name', text),
  'Mutation.saveProductGroup(optionNames:)': optionNames,
  'Mutation.saveProductGroup(products:)': groupOf,
  'ProductOptionInput.value': by('saveProductGroup', 'products.0.options.0.value', text),
  'UpdateProductInput.name': by('updateProduct', 'input.name', text),
  'UpdateProductInput.subtitle': by('updateProduct', 'input.subtitle', text),
  'UpdateProductInput.description': by('updateProduct', 'input.description', text),
  'UpdateProductInput.price': by('updateProduct', 'input.price', cents),
  'UpdateProductInput.marketPrice': by('updateProduct', 'input.marketPrice', cents),
  'UpdateProductInput.cover': by('updateProduct', 'input.cover', path),
  'UpdateProductInput.images': by('updateProduct', 'input.images', (count) => items(count, () => '/x.svg')),
  'UpdateProductInput.addOns': by('updateProduct', 'input.addOns', (count) => items(count, (index) => addOn(`A${index}`))),
  'UpdateProductInput.lowStockThreshold': by('updateProduct', 'input.lowStockThreshold', itself),
  'UpdateProductInput.capacity': by('updateStay', 'input.capacity', itself),
  'UpdateProductInput.maxGuests': by('updateStay', 'input.maxGuests', itself),
  'Mutation.adjustStock(changes:)': (world, count) => send(world, 'adjustStock', 'changes', items(count, () => ({ productId: world.stockedId, delta: 1, reason: 'Counted.' }))),
  'Mutation.setStock(changes:)': (world, count) => send(world, 'setStock', 'changes', items(count, () => ({ productId: randomUUID(), onHand: 1, expectedOnHand: 0, reason: 'Counted.' })), ['NOT_FOUND']),
  'StockDelta.delta': by('adjustStock', 'changes.0.delta', itself),
  'StockDelta.reason': by('adjustStock', 'changes.0.reason', text),
  'StockSet.onHand': by('setStock', 'changes.0.onHand', itself),
  'StockSet.reason': by('setStock', 'changes.0.reason', text),

  'RegisterInput.name': by('register', 'input.name', text),
  'RegisterInput.mobile': by('register', 'input.mobile', mobile),
  'RegisterInput.password': by('register', 'input.password', password),
  'RegisterInput.nickname': by('register', 'input.nickname', text),
  'Mutation.inviteUser(name:)': by('inviteUser', 'name', text),
  'Mutation.inviteUser(email:)': by('inviteUser', 'email', (length) => '@example.com'.padStart(length, 'x')),
  'Mutation.loginWithIdentity(code:)': by('loginWithIdentity', 'code', ascii, ['NOT_FOUND']),
  'Mutation.linkIdentity(code:)': by('linkIdentity', 'code', ascii, ['NOT_FOUND']),
  'Mutation.requestEmailVerification(email:)': by('requestEmailVerification', 'email', (length) => '@example.com'.padStart(length, newKey())),
  'Mutation.suspendUser(reason:)': by('suspendUser', 'reason', text),
  'Mutation.eraseUser(reason:)': by('eraseUser', 'reason', text),
  'UpdateProfileInput.name': by('updateProfile', 'input.name', text),
  'UpdateProfileInput.nickname': by('updateProfile', 'input.nickname', text),
  'UpdateProfileInput.avatar': by('updateProfile', 'input.avatar', path),
  'UpdateProfileInput.info': by('updateProfile', 'input.info', text),
  'PostalAddressInput.name': by('saveAddress', 'address.name', text),
  'PostalAddressInput.company': by('saveAddress', 'address.company', text),
  'PostalAddressInput.line1': by('saveAddress', 'address.line1', text),
  'PostalAddressInput.line2': by('saveAddress', 'address.line2', text),
  'PostalAddressInput.city': by('saveAddress', 'address.city', text),
  'PostalAddressInput.region': by('saveAddress', 'address.region', text),
  'PostalAddressInput.postalCode': by('saveAddress', 'address.postalCode', (length) => '12345'.padEnd(length)),
  'PostalAddressInput.phone': by('saveAddress', 'address.phone', (length) => '+493012345678'.padEnd(length)),
  'Mutation.saveAddress(label:)': by('saveAddress', 'label', text),
  'Mutation.saveAddress': fullBook,
  'Mutation.saveWebhookEndpoint(url:)': by('saveWebhookEndpoint', 'url', url),
  'Mutation.saveWebhookEndpoint(description:)': by('saveWebhookEndpoint', 'description', text),
  'Mutation.issueServiceCredential(app:)': by('issueServiceCredential', 'app', (length) => 'a'.repeat(length)),
}; // prettier-ignore

/** The second limit of a description that names two. */
export const secondProbes: Readonly<Record<string, { readonly says: string; readonly max: number; readonly probe: Probe }>> = {
  'ProductFilter.query': {
    says: '10 words',
    max: 10,
    probe: (world, count) => ask(world, 'query ($query: String) { products(filter: { query: $query }) { edges { cursor } } }', { query: items(count, () => 'a').join(' ') }, 'words'),
  },
  'OrderLineInput.stayTo': {
    says: 'at most 366 nights',
    max: 366,
    probe: (world, count) => stay(world, 1, [90, 90, 90, 90, count - 360], 'nights'),
  },
}; // prettier-ignore
