/** What a retryable refusal says: the same key again. */
const refusals = `userErrors { __typename ... on UserError { code message } ... on IdempotencyConflictError { retryable }`;

export const registerDocument = `mutation Register($input: RegisterInput!) {
  register(input: $input) { user { id } tokens { accessToken } userErrors { ... on UserError { code message } } } }`;
export const createProductDocument = `mutation Product($input: CreateProductInput!, $idempotencyKey: String!) {
  createProduct(input: $input, idempotencyKey: $idempotencyKey) { product { id } ${refusals} } } }`;
export const creditDocument = `mutation Credit($userId: ID!, $amount: MoneyInput!, $idempotencyKey: String!) {
  creditWallet(userId: $userId, amount: $amount, reason: "torture", idempotencyKey: $idempotencyKey) { wallet { id } ${refusals} } } }`;
export const placeDocument = `mutation Place($input: PlaceOrderInput!, $idempotencyKey: String!) {
  placeOrder(input: $input, idempotencyKey: $idempotencyKey) { order { id number state total { amount } } replayed ${refusals} } } }`;
export const cancelDocument = `mutation Cancel($id: ID!, $idempotencyKey: String!) {
  cancelOrder(id: $id, reason: "torture", idempotencyKey: $idempotencyKey) { order { id state } ${refusals} } } }`;
export const fulfilDocument = `mutation Fulfil($id: ID!, $idempotencyKey: String!) {
  fulfilOrder(id: $id, idempotencyKey: $idempotencyKey) { order { id state } ${refusals} } } }`;
const started = '{ id state attempts { clientParams } }';
const payRefusals = `${refusals} ... on ProviderError { retryable } } }`;
export const payDocument = `mutation Pay($input: CreatePaymentInput!, $idempotencyKey: String!) {
  createPayment(input: $input, idempotencyKey: $idempotencyKey) { payment ${started} ${payRefusals} }`;
export const payMixedDocument = `mutation PayMixed($input: CreateMixedPaymentInput!, $idempotencyKey: String!) {
  createMixedPayment(input: $input, idempotencyKey: $idempotencyKey) { payments ${started} ${payRefusals} }`;
export const retryPaymentDocument = `mutation Retry($paymentId: ID!, $idempotencyKey: String!) {
  retryPayment(paymentId: $paymentId, idempotencyKey: $idempotencyKey) { payment ${started} ${payRefusals} }`;
export const captureDocument = `mutation Capture($paymentId: ID!, $idempotencyKey: String!) {
  capturePayment(paymentId: $paymentId, idempotencyKey: $idempotencyKey) { payment { id state } ${payRefusals} }`;
export const refundDocument = `mutation Refund($input: RefundInput!, $idempotencyKey: String!) {
  refundPayment(input: $input, idempotencyKey: $idempotencyKey) { refund { id amount { amount } } ${payRefusals} }`;
export const confirmRefundDocument = `mutation ConfirmRefund($refundId: ID!, $idempotencyKey: String!) {
  confirmRefund(refundId: $refundId, reference: "torture", idempotencyKey: $idempotencyKey) { refund { id state } ${payRefusals} }`;

export const orderPaymentsDocument = `query OrderPayments($id: ID!) {
  order(id: $id) { state payments { id method state captured { amount } refunded { amount } } } }`;
export const myOrdersFeed = `subscription Feed($afterSeq: SafeInt) {
  myOrders(afterSeq: $afterSeq) { seq event { seq type toState } order { id } } }`;
export const orderEventsFeed = `subscription One($orderId: ID!, $afterSeq: SafeInt) {
  orderEvents(orderId: $orderId, afterSeq: $afterSeq) { seq event { seq toState } } }`;

export const allOrdersDocument = `query All($after: String) {
  orders(first: 20, after: $after, sort: { by: NUMBER, descending: false }) { pageInfo { hasNextPage endCursor } edges { node {
    id number state remark total { amount } paidTotal { amount } refundedTotal { amount } customer { id } lines { quantity product { id } }
    payments { id method state captured { amount } refunded { amount } attempts { providerTransactionId } refunds { id state automatic amount { amount } } }
    history(first: 100) { edges { node { seq toState } } } } } } }`;
export const stockDocument = 'query Stock($id: ID!) { product(id: $id) { stock { onHand allocated } } }';
export const walletDocument = 'query Wallet { me { wallet(currency: "EUR") { balance { amount } held { amount } } } }';
export const unrestDocument = `query Unrest {
  sagas(first: 100, state: [RUNNING, COMPENSATING, STUCK]) { id state lastError }
  waiting: orders(first: 1, filter: { state: [PLACING, PENDING_PAYMENT] }) { totalCount }
  refunds(first: 100, state: [REQUESTED, PENDING]) { edges { node { id state failureMessage payment { method } } } } }`;
