/** What somebody gets: an answer (or a refusal for another reason than who they are), or a code. */
export type Outcome = 'allowed' | 'UNAUTHENTICATED' | 'FORBIDDEN' | 'NOT_FOUND';
/** `merchant` sells nothing of what is asked for; `staff` is an administrator. */
export const roles = ['anonymous', 'stranger', 'owner', 'merchant', 'operator', 'staff'] as const;
export type Role = (typeof roles)[number];
/** A merchant gets what a stranger gets, and an operator what an administrator does, unless it says otherwise. */
export type Expected = Readonly<Record<Exclude<Role, 'merchant' | 'operator'>, Outcome>> &
  Readonly<Partial<Record<'merchant' | 'operator', Outcome>>>;
export const outcomesOf = (expected: Expected): Readonly<Record<Role, Outcome>> => ({
  merchant: expected.stranger,
  operator: expected.staff,
  ...expected,
});

/** Things that belong to the owner, for arguments. */
export type Fixture = {
  orderId: string;
  orderNumber: string;
  sagaId: string;
  paymentId: string;
  productId: string;
  ownerId: string;
  mobile: string;
  password: string;
  refreshToken: string;
  deliveryId: string;
  refundId: string;
  key: string;
};

export type Probe = { readonly expected: Expected; readonly variables?: (fixture: Fixture) => Record<string, unknown> };

const everybody: Expected = { anonymous: 'allowed', stranger: 'allowed', owner: 'allowed', staff: 'allowed' };
const signedIn: Expected = { ...everybody, anonymous: 'UNAUTHENTICATED' };
const staffOnly: Expected = {
  anonymous: 'UNAUTHENTICATED',
  stranger: 'FORBIDDEN',
  owner: 'FORBIDDEN',
  staff: 'allowed',
};
const administratorsOnly: Expected = { ...staffOnly, operator: 'FORBIDDEN' };
/** The owner and staff; to others it doesn't exist. */
const owned: Expected = { anonymous: 'UNAUTHENTICATED', stranger: 'NOT_FOUND', owner: 'allowed', staff: 'allowed' };
/** Staff; the owner is told so, to others it doesn't exist. */
const staffOnOwned: Expected = { ...owned, owner: 'FORBIDDEN' };
/** The owner alone: staff don't pay for customers. */
const ownOnly: Expected = { ...owned, staff: 'NOT_FOUND' };

const unknown: Expected = {
  anonymous: 'UNAUTHENTICATED',
  stranger: 'NOT_FOUND',
  owner: 'NOT_FOUND',
  staff: 'NOT_FOUND',
};

/** There are no dead letters, so that is what staff hear; others don't get that far. */
const noLetter: Probe = {
  expected: { ...staffOnly, staff: 'NOT_FOUND' },
  variables: ({ orderId }) => ({ id: orderId }),
};

/** What a merchant has, too, and an operator has not. */
const ofMerchants: Expected = { ...administratorsOnly, merchant: 'allowed' };
const noSuchEndpoint: Expected = { ...administratorsOnly, staff: 'NOT_FOUND', merchant: 'NOT_FOUND' };
const noEndpoint: Probe = {
  expected: noSuchEndpoint,
  variables: ({ orderId, key }) => ({ id: orderId, idempotencyKey: key }),
};

const id = ({ orderId }: Fixture) => ({ id: orderId });
const money = { amount: 100, currency: 'EUR' };

/**
 * Every query, mutation and subscription of the API and what each kind of caller may expect. A field that is not here
 * fails the test: whoever adds one decides who may use it.
 */
export const rootFields: Readonly<Record<'Query' | 'Mutation' | 'Subscription', Readonly<Record<string, Probe>>>> = {
  Query: {
    order: { expected: owned, variables: id },
    myOrders: { expected: signedIn },
    orders: { expected: staffOnly },
    salesReport: {
      expected: staffOnly,
      variables: () => ({ from: '2026-01-01', to: '2026-01-31', interval: 'DAY', currency: 'EUR' }),
    },
    orderTypes: { expected: everybody },
    quoteOrder: {
      expected: everybody,
      variables: ({ productId }) => ({ input: { currency: 'EUR', lines: [{ productId, quantity: 1 }] } }),
    },
    shippingMethods: { expected: everybody },
    taxRates: { expected: staffOnly },
    shopDate: { expected: everybody },
    saga: { expected: staffOnly, variables: ({ sagaId }) => ({ id: sagaId }) },
    sagas: { expected: staffOnly },
    delayedJobs: { expected: staffOnly },
    promotions: { expected: staffOnly },
    returns: { expected: staffOnly },
    soldLines: { expected: { ...staffOnly, merchant: 'allowed' } },
    orderDeadLetters: { expected: staffOnly },
    productDeadLetters: { expected: staffOnly },
    paymentDeadLetters: { expected: staffOnly },
    userDeadLetters: { expected: staffOnly },
    deadNotifications: { expected: staffOnly },
    payment: { expected: owned, variables: ({ paymentId }) => ({ id: paymentId }) },
    availablePaymentMethods: { expected: owned, variables: ({ orderId }) => ({ orderId }) },
    payments: { expected: staffOnly },
    reconciliation: { expected: staffOnly, variables: () => ({ day: new Date().toISOString().slice(0, 10) }) },
    refunds: { expected: staffOnly },
    disputes: { expected: staffOnly },
    webhookDeliveries: { expected: staffOnly },
    product: { expected: everybody, variables: ({ productId }) => ({ id: productId }) },
    products: { expected: everybody },
    categories: { expected: everybody },
    // To everybody there is none with this slug.
    category: {
      expected: { anonymous: 'NOT_FOUND', stranger: 'NOT_FOUND', owner: 'NOT_FOUND', staff: 'NOT_FOUND' },
      variables: () => ({ slug: 'nothing-here' }),
    },
    productGroup: {
      expected: { anonymous: 'NOT_FOUND', stranger: 'NOT_FOUND', owner: 'NOT_FOUND', staff: 'NOT_FOUND' },
      variables: ({ orderId }) => ({ id: orderId }),
    },
    lowStock: { expected: staffOnly },
    stockAudit: { expected: staffOnly },
    me: { expected: signedIn },
    user: { expected: owned, variables: ({ ownerId }) => ({ id: ownerId }) },
    users: { expected: staffOnly },
    identityIssuers: { expected: everybody },
    serviceCredentials: { expected: administratorsOnly },
    staff: { expected: staffOnly },
    auditLog: { expected: administratorsOnly },
    webhookEndpoints: { expected: ofMerchants },
    webhookEvents: { expected: everybody },
  },
  Mutation: {
    placeOrder: {
      expected: signedIn,
      variables: ({ productId, key }) => ({
        input: { currency: 'EUR', lines: [{ productId, quantity: 1 }] },
        idempotencyKey: key,
      }),
    },
    saveShippingMethod: {
      expected: staffOnly,
      variables: ({ key }) => ({
        input: {
          code: `p${key.slice(0, 30)}`,
          name: 'Probe',
          countries: ['AQ'],
          rates: [{ price: money }],
          active: false,
        },
        idempotencyKey: key,
      }),
    },
    saveTaxRate: {
      expected: staffOnly,
      variables: ({ key }) => ({
        input: { countryCode: 'AQ', name: 'Probe', ratePpm: 1, active: false },
        idempotencyKey: key,
      }),
    },
    savePromotion: {
      expected: staffOnly,
      variables: ({ key }) => ({ input: { name: 'Probe', kind: 'FREE_SHIPPING', active: false }, idempotencyKey: key }),
    },
    placeOrderFor: {
      expected: staffOnly,
      variables: ({ ownerId, productId, key }) => ({
        customerId: ownerId,
        input: { currency: 'EUR', lines: [{ productId, quantity: 1 }] },
        idempotencyKey: key,
      }),
    },
    updateOrderRemark: { expected: owned, variables: ({ orderId }) => ({ id: orderId, remark: 'ring twice' }) },
    cancelOrder: { expected: owned, variables: ({ orderId, key }) => ({ id: orderId, idempotencyKey: key }) },
    refundOrder: {
      expected: staffOnly,
      variables: ({ orderId, key }) => ({ input: { orderId, amount: money, reason: 'test' }, idempotencyKey: key }),
    },
    requestReturn: {
      expected: owned,
      variables: ({ orderId, key }) => ({
        orderId,
        lines: [{ lineId: orderId, quantity: 1 }],
        reason: 'too small',
        idempotencyKey: key,
      }),
    },
    // Of a return that there is not nobody learns more.
    decideReturn: { expected: unknown, variables: ({ orderId }) => ({ returnId: orderId, approve: true }) },
    receiveReturn: {
      expected: unknown,
      variables: ({ orderId }) => ({ returnId: orderId, lines: [{ lineId: orderId, quantity: 1, restock: 1 }] }),
    },
    cancelReturn: { expected: unknown, variables: ({ orderId }) => ({ returnId: orderId }) },
    archiveOrder: { expected: owned, variables: id },
    unarchiveOrder: { expected: owned, variables: ({ orderId, key }) => ({ id: orderId, idempotencyKey: key }) },
    advanceOrder: { expected: staffOnOwned, variables: id },
    fulfilOrder: { expected: staffOnOwned, variables: ({ orderId, key }) => ({ id: orderId, idempotencyKey: key }) },
    // Of a delivery that there is not nobody learns more.
    markDelivered: {
      expected: unknown,
      variables: ({ orderId, key }) => ({ fulfilmentId: orderId, idempotencyKey: key }),
    },
    cancelFulfilment: {
      expected: unknown,
      variables: ({ orderId, key }) => ({ fulfilmentId: orderId, reason: 'lost', idempotencyKey: key }),
    },
    redeemOrder: {
      expected: staffOnOwned,
      variables: ({ orderNumber }) => ({ number: orderNumber, confirmationCode: 'WRONG' }),
    },
    addOrderNote: { expected: staffOnOwned, variables: ({ orderId }) => ({ id: orderId, note: 'called' }) },
    resolveAttention: {
      expected: staffOnOwned,
      variables: ({ orderId }) => ({ id: orderId, to: 'COMPLETED', note: 'done by hand' }),
    },
    retrySaga: { expected: staffOnly, variables: ({ sagaId }) => ({ id: sagaId }) },
    replayOrderDeadLetter: noLetter,
    replayProductDeadLetter: noLetter,
    replayPaymentDeadLetter: noLetter,
    replayUserDeadLetter: noLetter,
    retryNotification: noLetter,
    markNotificationsRead: { expected: signedIn, variables: ({ orderId }) => ({ ids: [orderId] }) },
    createPayment: {
      expected: ownOnly,
      variables: ({ orderId, key }) => ({ input: { orderId, method: 'SIMULATED_CARD' }, idempotencyKey: key }),
    },
    createMixedPayment: {
      expected: ownOnly,
      variables: ({ orderId, key }) => ({
        input: { orderId, parts: [{ method: 'WALLET', amount: money }, { method: 'SIMULATED_CARD' }] },
        idempotencyKey: key,
      }),
    },
    retryPayment: { expected: ownOnly, variables: ({ paymentId, key }) => ({ paymentId, idempotencyKey: key }) },
    cancelPayment: { expected: owned, variables: ({ paymentId, key }) => ({ paymentId, idempotencyKey: key }) },
    capturePayment: { expected: staffOnly, variables: ({ paymentId, key }) => ({ paymentId, idempotencyKey: key }) },
    refundPayment: {
      expected: staffOnly,
      variables: ({ paymentId, key }) => ({ input: { paymentId, amount: money, reason: 'test' }, idempotencyKey: key }),
    },
    creditWallet: {
      expected: staffOnly,
      variables: ({ ownerId, key }) => ({ userId: ownerId, amount: money, reason: 'probe', idempotencyKey: key }),
    },
    retryRefund: { expected: staffOnly, variables: ({ refundId, key }) => ({ refundId, idempotencyKey: key }) },
    confirmRefund: {
      expected: staffOnly,
      variables: ({ refundId, key }) => ({ refundId, reference: 'test', idempotencyKey: key }),
    },
    replayWebhook: { expected: staffOnly, variables: ({ deliveryId }) => ({ deliveryId }) },
    saveCategory: {
      expected: staffOnly,
      variables: ({ key }) => ({ slug: key.slice(0, 13), name: 'Probe', idempotencyKey: key }),
    },
    removeCategory: {
      expected: { ...staffOnly, staff: 'NOT_FOUND' },
      variables: ({ orderId, key }) => ({ id: orderId, idempotencyKey: key }),
    },
    saveProductGroup: {
      expected: staffOnly,
      variables: ({ productId, key }) => ({
        name: 'Probe',
        optionNames: ['Size'],
        products: [{ productId, options: [{ name: 'Size', value: key }] }],
        idempotencyKey: key,
      }),
    },
    createProduct: {
      expected: { ...staffOnly, merchant: 'allowed' },
      variables: ({ key }) => ({
        input: { sku: `AUTH-${key.slice(0, 13)}`, name: 'Probe', description: 'Probe', price: money },
        idempotencyKey: key,
      }),
    },
    updateProduct: {
      expected: staffOnly,
      variables: ({ productId }) => ({ input: { id: productId, expectedVersion: 999, name: 'Probe' } }),
    },
    removeProduct: { expected: staffOnly, variables: ({ productId }) => ({ id: productId }) },
    adjustStock: {
      expected: staffOnly,
      variables: ({ productId, key }) => ({ changes: [{ productId, delta: 1, reason: 'test' }], idempotencyKey: key }),
    },
    setStock: {
      expected: staffOnly,
      variables: ({ productId, key }) => ({
        changes: [{ productId, onHand: 5, expectedOnHand: 999, reason: 'test' }],
        idempotencyKey: key,
      }),
    },
    register: {
      expected: everybody,
      variables: ({ mobile }) => ({ input: { name: 'Probe', mobile, password: 'long enough 1' } }),
    },
    login: { expected: everybody, variables: ({ mobile, password }) => ({ mobile, password }) },
    refreshTokens: { expected: everybody, variables: () => ({ refreshToken: 'not-a-token' }) },
    logout: { expected: signedIn },
    updateProfile: { expected: signedIn, variables: () => ({ input: { info: 'probe' } }) },
    changePassword: {
      expected: signedIn,
      variables: () => ({ current: 'not my password', next: 'another password 1' }),
    },
    saveAddress: {
      expected: signedIn,
      variables: ({ key }) => ({
        address: { name: 'Probe', line1: 'Ring 1', city: 'Berlin', postalCode: '10115', countryCode: 'DE' },
        idempotencyKey: key,
      }),
    },
    // The address of somebody else doesn't exist, whoever asks.
    removeAddress: {
      expected: unknown,
      variables: ({ orderId, key }) => ({ id: orderId, idempotencyKey: key }),
    },
    setRoles: { expected: administratorsOnly, variables: ({ ownerId }) => ({ userId: ownerId, roles: ['CUSTOMER'] }) },
    inviteUser: {
      expected: administratorsOnly,
      variables: ({ mobile }) => ({ name: 'Probe', mobile: `9${mobile}`.slice(0, 15), roles: ['CUSTOMER'] }),
    },
    // Of nobody, so that the people here stay signed in.
    suspendUser: {
      expected: { ...administratorsOnly, staff: 'NOT_FOUND' },
      variables: ({ orderId }) => ({ userId: orderId, reason: 'probe' }),
    },
    exportPersonalData: {
      expected: { ...owned, operator: 'NOT_FOUND' },
      variables: ({ ownerId }) => ({ userId: ownerId }),
    },
    // Of nobody, so that the people here stay.
    eraseUser: {
      expected: { ...administratorsOnly, staff: 'NOT_FOUND' },
      variables: ({ orderId }) => ({ userId: orderId, reason: 'probe' }),
    },
    reinstateUser: { expected: administratorsOnly, variables: ({ ownerId }) => ({ userId: ownerId }) },
    revokeSession: { expected: unknown, variables: ({ orderId }) => ({ sessionId: orderId }) },
    revokeAllSessions: {
      expected: { ...administratorsOnly, staff: 'NOT_FOUND' },
      variables: ({ orderId }) => ({ userId: orderId }),
    },
    resetPassword: {
      expected: everybody,
      variables: ({ mobile }) => ({ mobile, code: 'AAAA-BBBB-CCCC', password: 'long enough 1' }),
    },
    // No issuer is configured here, which everybody is told.
    beginIdentityLogin: {
      expected: { anonymous: 'NOT_FOUND', stranger: 'NOT_FOUND', owner: 'NOT_FOUND', staff: 'NOT_FOUND' },
      variables: () => ({ issuer: 'https://id.example', redirectUri: 'https://shop.example/sign-in/callback' }),
    },
    loginWithIdentity: {
      expected: { anonymous: 'NOT_FOUND', stranger: 'NOT_FOUND', owner: 'NOT_FOUND', staff: 'NOT_FOUND' },
      variables: () => ({ type: 'OIDC', code: 'probe', proof: 'probe' }),
    },
    linkIdentity: { expected: unknown, variables: () => ({ type: 'WX_MINI', code: 'probe' }) },
    unlinkIdentity: { expected: unknown, variables: () => ({ type: 'OIDC' }) },
    requestPasswordReset: { expected: everybody, variables: ({ mobile }) => ({ mobile }) },
    requestEmailVerification: {
      expected: signedIn,
      variables: ({ password }) => ({ email: 'probe@example.com', password }),
    },
    verifyEmail: { expected: signedIn, variables: () => ({ code: 'AAAA-BBBB-CCCC' }) },
    saveWebhookEndpoint: {
      expected: ofMerchants,
      variables: ({ key }) => ({ url: 'https://hooks.example/', events: ['order.paid'], idempotencyKey: key }),
    },
    // There is no such thing; to others it is said that they have none.
    rotateWebhookSecret: noEndpoint,
    removeWebhookEndpoint: noEndpoint,
    sendTestWebhook: noEndpoint,
    redeliverWebhook: {
      expected: noSuchEndpoint,
      variables: ({ orderId, key }) => ({ deliveryId: orderId, idempotencyKey: key }),
    },
    issueServiceCredential: { expected: administratorsOnly, variables: () => ({ app: 'probe', service: 'order' }) },
    revokeServiceCredential: { expected: administratorsOnly, variables: () => ({ app: 'probe', service: 'order' }) },
  },
  Subscription: {
    orderEvents: { expected: owned, variables: ({ orderId }) => ({ orderId, afterSeq: 0 }) },
    myOrders: { expected: signedIn, variables: () => ({ afterSeq: 0 }) },
    allOrders: { expected: staffOnly, variables: () => ({ afterSeq: 0 }) },
    notifications: { expected: signedIn, variables: () => ({ afterSeq: 0 }) },
    paymentUpdated: { expected: owned, variables: ({ orderId }) => ({ orderId }) },
    stockChanged: { expected: everybody, variables: ({ productId }) => ({ productIds: [productId] }) },
  },
};

/** Fields of what anybody may see that are not for anybody: read through a product or another person. */
export const nestedFields: Readonly<
  Record<
    string,
    {
      readonly document: string;
      readonly expected: Expected;
      readonly variables: (fixture: Fixture) => Record<string, unknown>;
    }
  >
> = {
  'StockLevel.movements': {
    document: 'query P($id: ID!) { product(id: $id) { stock { movements { edges { node { id } } } } } }',
    expected: staffOnly,
    variables: ({ productId }) => ({ id: productId }),
  },
  'User.addresses': {
    document: 'query P($id: ID!) { user(id: $id) { addresses { id } } }',
    expected: owned,
    variables: ({ ownerId }) => ({ id: ownerId }),
  },
  'User.notifications': {
    document: 'query P($id: ID!) { user(id: $id) { notifications { totalCount } } }',
    expected: { ...owned, staff: 'FORBIDDEN' },
    variables: ({ ownerId }) => ({ id: ownerId }),
  },
  'User.sessions': {
    document: 'query P($id: ID!) { user(id: $id) { sessions { id current } } }',
    expected: { ...owned, operator: 'FORBIDDEN' },
    variables: ({ ownerId }) => ({ id: ownerId }),
  },
  'User.wallet': {
    document: 'query P($id: ID!) { user(id: $id) { wallet(currency: "EUR") { id balance { amount } } } }',
    expected: owned,
    variables: ({ ownerId }) => ({ id: ownerId }),
  },
  'StockLevel.reservations': {
    document: 'query P($id: ID!) { product(id: $id) { stock { reservations { id } } } }',
    expected: staffOnly,
    variables: ({ productId }) => ({ id: productId }),
  },
};
