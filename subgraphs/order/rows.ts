import { type Row, toDate, toJson } from '../shared/database/database.ts';
import { idFromBytes } from '../shared/values/ids.ts';
import type { JournalEntry } from './domain/journal.ts';
import type {
  ActorType,
  CancelReason,
  FulfilmentStatus,
  LineQuantity,
  OrderState,
  PaymentStatus,
} from './domain/order-model.ts';
import type { Saga, SagaState, SagaStep } from './domain/saga.ts';
import type { LineAddOn, ProductKind, Stay } from './domain/line.ts';
import type { StoredFulfilment, StoredLine, StoredOrder } from './stored-order.ts';

const id = (value: unknown): string => idFromBytes(value as Buffer);
const date = (value: unknown): Date => toDate(value) as Date;
const text = (value: unknown): string | null => (value === null || value === undefined ? null : (value as string));
const minor = (value: unknown): bigint => BigInt(value as string | number);
const json = <T>(value: unknown): T | null => (value === null || value === undefined ? null : toJson<T>(value));

/** From a raw row of `orders`; the lines come separately. */
export const toOrder = (row: Row): StoredOrder => ({
  id: id(row['id']),
  number: String(row['number']),
  type: String(row['type']),
  customerId: id(row['customer_id']),
  state: row['state'] as OrderState,
  paymentStatus: row['payment_status'] as PaymentStatus,
  fulfilmentStatus: row['fulfilment_status'] as FulfilmentStatus,
  version: Number(row['version']),
  seq: Number(row['seq']),
  lastHash: row['last_hash'] as Buffer,
  currency: String(row['currency']),
  subtotalMinor: minor(row['subtotal_minor']),
  totalMinor: minor(row['total_minor']),
  paidMinor: minor(row['paid_minor']),
  refundedMinor: minor(row['refunded_minor']),
  remark: text(row['remark']),
  extension: json(row['extension']),
  clientReference: text(row['client_reference']),
  heldReference: text(row['held_reference']),
  inputHash: row['input_hash'] as Buffer,
  failure: json(row['failure']),
  cancelReason: row['cancel_reason'] as CancelReason | null,
  traceId: String(row['trace_id']),
  placedAt: date(row['placed_at']),
  authorizedMinor: minor(row['authorized_minor']),
  expiresAt: date(row['expires_at']),
  isPaying: Number(row['is_paying']) === 1,
  payBy: toDate(row['pay_by']),
  paidAt: toDate(row['paid_at']),
  completedAt: toDate(row['completed_at']),
  closedAt: toDate(row['closed_at']),
  archivedAt: toDate(row['archived_at']),
  updatedAt: date(row['updated_at']),
  advanceAt: toDate(row['advance_at']),
  advanceAttempts: Number(row['advance_attempts']),
  lapsesAt: toDate(row['lapses_at']),
  confirmationCode: text(row['confirmation_code']),
  openUnits: row['open_units'] === null ? null : Number(row['open_units']),
  placedFrom: row['placed_from'] === null ? null : id(row['placed_from']),
  lines: [],
});

/** DATE columns come as text. */
const toStay = (row: Row): Stay | null =>
  row['stay_from'] === null
    ? null
    : { from: row['stay_from'] as string, to: row['stay_to'] as string, guests: Number(row['guests']) };

export const toLine = (row: Row): StoredLine => ({
  id: id(row['id']),
  orderId: id(row['order_id']),
  productId: id(row['product_id']),
  sellerId: row['seller_id'] === null ? null : id(row['seller_id']),
  sku: String(row['sku']),
  kind: row['kind'] as ProductKind,
  title: String(row['title']),
  subtitle: text(row['subtitle']),
  cover: text(row['cover']),
  stay: toStay(row),
  quantity: Number(row['quantity']),
  unitPriceMinor: minor(row['unit_price_minor']),
  marketPriceMinor: row['market_price_minor'] === null ? null : minor(row['market_price_minor']),
  addOns: toJson<LineAddOn[]>(row['add_ons']),
  subtotalMinor: minor(row['subtotal_minor']),
  needsFulfilment: Number(row['needs_fulfilment']) === 1,
  fulfilledQuantity: Number(row['fulfilled_quantity']),
  refundedQuantity: Number(row['refunded_quantity']),
});

export const toJournalEntry = (row: Row): JournalEntry => ({
  id: id(row['id']),
  orderId: id(row['order_id']),
  seq: Number(row['seq']),
  type: row['type'] as JournalEntry['type'],
  fromState: row['from_state'] as OrderState | null,
  toState: row['to_state'] as OrderState | null,
  actor: { type: row['actor_type'] as ActorType, id: text(row['actor_id']) },
  reason: text(row['reason']),
  data: json(row['data']),
  at: date(row['at']),
  traceId: String(row['trace_id']),
  hash: row['hash'] as Buffer,
});

export const toSaga = (row: Row): Saga & { readonly fence: number } => ({
  id: id(row['id']),
  kind: row['kind'] as Saga['kind'],
  orderId: id(row['order_id']),
  state: row['state'] as SagaState,
  steps: toJson<SagaStep[]>(row['steps']),
  attempts: Number(row['attempts']),
  nextRetryAt: toDate(row['next_retry_at']),
  lastError: text(row['last_error']),
  fence: Number(row['fence']),
  createdAt: date(row['created_at']),
  finishedAt: toDate(row['finished_at']),
});

export const toFulfilment = (row: Row): StoredFulfilment => ({
  id: id(row['id']),
  orderId: id(row['order_id']),
  lines: toJson<LineQuantity[]>(row['lines']),
  trackingNumber: text(row['tracking_number']),
  createdAt: date(row['created_at']),
});
