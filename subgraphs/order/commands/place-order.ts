import { createHash, randomBytes } from 'node:crypto';
import { type UserViewer, isStaff } from '../../shared/auth/viewer.ts';
import { noteFailure } from '../../shared/process/dependency.ts';
import {
  type Refusal,
  RefusedError,
  idempotencyConflictError,
  isDuplicateKey,
  orRefusals,
  unavailable,
} from '../../shared/errors/errors.ts';
import { failPoint } from '../../shared/process/fail-point.ts';
import { type Claim, claimKey, findKey, hashOf } from '../../shared/tables/idempotency.ts';
import { recordAct } from '../../shared/tables/staff-acts.ts';
import { newNumber } from '../../shared/values/ids.ts';
import { guesserOf } from '../coupon-guesses.ts';
import type { OrderDeps } from '../deps.ts';
import { type PlaceOrderInput, checkInput } from '../domain/pricing/check-input.ts';
import { confirmationCodeOf } from '../domain/confirmation-code.ts';
import { lapsesAt } from '../domain/stay.ts';
import { type Saga, newPlacingSaga } from '../domain/saga.ts';
import { addressCounter, limitsOf, requireRoom, unitsOf } from '../open-orders.ts';
import { NoRoomError, countOpen } from '../open-orders-store.ts';
import { NoUseError, countUses } from '../promotion-uses-store.ts';
import { StaleOrderError, findByReference, findOrder, insertOrder } from '../order-store.ts';
import type { NewOrder, StoredOrder } from '../stored-order.ts';
import { runPlacingSaga } from '../saga.ts';
import { insertSaga } from '../saga-store.ts';
import { actorOf } from './context.ts';
import { requireCustomer } from './require-customer.ts';
import { stepsOf } from '../steps/placing-steps.ts';
import { type Shortage, insufficientStock } from '../steps/reserve-stock.ts';
import type { OrderType } from '../types/order-type.ts';
import { type PriceRequest, type PricedOrder, priceOrder } from './price-order.ts';
import { toQuote } from './quote-order.ts';

export type PlaceOrderPayload = {
  readonly order: StoredOrder | null;
  /** The order's saga where it is at hand; else it is read. */
  readonly saga?: Saga | null;
  readonly replayed: boolean;
  readonly userErrors: readonly Refusal[];
};

type Placed = { readonly orderId: string };
const numberTries = 5;
/** How often an order is priced whose promotions are used up, or changed, before it is recorded. */
const priceTries = 5;
const outcomePollMs = 25;

/** Who places an order, and whose it is: a customer's own, or one that staff place for a customer. */
type Placing = { readonly viewer: UserViewer; readonly customerId: string };

/**
 * Places an order for the signed-in user, or for a customer of whom staff say so: validates, prices as a quote does, records order and saga in one
 * transaction, then runs the saga. Answers with the outcome, or after `PLACING_WAIT_MS` with the order still PLACING.
 */
export async function placeOrder(
  deps: OrderDeps,
  viewer: UserViewer,
  request: {
    input: PlaceOrderInput;
    idempotencyKey: string;
    traceId: string;
    clientAddress?: string | undefined;
    /** Set by staff: whose order it is to be. */
    customerId?: string;
  },
): Promise<PlaceOrderPayload> {
  const untilMs = deps.time.monotonicMs() + deps.config.placingWaitMs;
  const { input, traceId, clientAddress } = request;
  const placing: Placing = { viewer, customerId: request.customerId ?? viewer.userId };
  const claim: Claim = {
    ownerId: viewer.userId,
    key: request.idempotencyKey,
    ...(request.customerId === undefined
      ? { operation: 'placeOrder', input }
      : { operation: 'placeOrderFor', input: { customerId: request.customerId, input } }),
  };
  return orRefusals(
    async () => {
      const type = deps.types.find(input.type);
      const checked = checkInput(input, type);
      if (type === null || checked.refusals.length > 0) throw new RefusedError(...checked.refusals);
      const pricing: PriceRequest = {
        type,
        lines: checked.lines,
        input,
        customerId: placing.customerId,
        viewer,
        guesser: guesserOf(viewer, clientAddress),
        traceId,
      };
      const recorded = await priceAndRecord(deps, placing, { claim, type, input, traceId, clientAddress, pricing });
      if (recorded.replayed) return answer(await waitForOutcome(deps, recorded.orderId, untilMs), true);
      const { order, saga } = await runSaga(deps, recorded, untilMs);
      return { ...answer(order, false), saga };
    },
    (userErrors): PlaceOrderPayload => ({ order: null, replayed: false, userErrors }),
  );
}

type Draft = {
  readonly claim: Claim;
  readonly type: OrderType;
  readonly input: PlaceOrderInput;
  readonly traceId: string;
  readonly clientAddress: string | undefined;
};

/**
 * Prices the order and records it. Where a promotion's last use is gone, or staff have changed one in between, it is priced
 * again: then the code is refused, or the order costs what holds now.
 */
async function priceAndRecord(
  deps: OrderDeps,
  placing: Placing,
  { pricing, ...draft }: Draft & { readonly pricing: PriceRequest },
): Promise<Recorded> {
  const { claim, input, type, traceId } = draft;
  for (let tries = 1; ; tries += 1) {
    let priced: PricedOrder;
    try {
      if (claim.operation === 'placeOrderFor') await requireCustomer(deps, { ...placing, type, traceId });
      priced = await price(deps, pricing);
    } catch (error) {
      // The product may have changed or be out of reach since; a repeated request still gets its first answer.
      const earlier =
        (await findKey<Placed>(deps.db.em(), claim))?.orderId ??
        (await findByHeldReference(deps, placing, claim, input));
      if (earlier === null) throw error;
      return { replayed: true, orderId: earlier };
    }
    try {
      return await recordOrder(deps, placing, { ...draft, priced });
    } catch (error) {
      if (!(error instanceof NoUseError)) throw error;
      if (tries >= priceTries) throw unavailable('The promotions of this order change at this moment; try again.');
    }
  }
}

/** The order at this moment's prices. Throws RefusedError for what stands in the way. */
async function price(deps: OrderDeps, request: PriceRequest): Promise<PricedOrder> {
  const { input } = request;
  const priced = await priceOrder(deps, request);
  if (priced.refusals.length > 0) throw new RefusedError(...priced.refusals);
  const { totalMinor } = priced.quote;
  const expected = input.expectedTotal ?? null;
  if (expected !== null && BigInt(expected) !== totalMinor)
    throw new RefusedError({
      __typename: 'TotalChangedError',
      code: 'TOTAL_CHANGED',
      message: 'The order has another total now; show it and ask again.',
      path: ['input', 'expectedTotal'],
      quote: toQuote(priced, []),
    });
  return priced;
}

type Recorded =
  | { readonly replayed: true; readonly orderId: string }
  | { readonly replayed: false; readonly order: StoredOrder; readonly saga: Saga };

/**
 * Claims the key, records order, lines, journal and saga, counts uses and the open order: six to eight statements in one round
 * trip. Throws NoUseError.
 */
async function recordOrder(
  deps: OrderDeps,
  placing: Placing,
  draft: Draft & { readonly priced: PricedOrder },
): Promise<Recorded> {
  const orderId = deps.newId(placing.customerId);
  const sagaId = deps.newId(orderId);
  for (let tries = 1; ; tries += 1) {
    const at = deps.now();
    const order = newOrder(deps, placing, { ...draft, orderId, at, attempt: tries });
    try {
      return await deps.db.transaction(async (tx): Promise<Recorded> => {
        const { replayed, result } = await claimKey<Placed>(tx, draft.claim, { orderId });
        if (replayed) return { replayed, orderId: result.orderId };
        const stored = await insertOrder(tx, order, {
          actor: actorOf(placing.viewer, placing),
          at,
          traceId: draft.traceId,
        });
        const saga = newPlacingSaga(sagaId, orderId, at, stepsOf(draft.type, draft.priced.quote.totalMinor));
        await insertSaga(tx, saga, deps.processId);
        if (order.placedBy !== null)
          await recordAct(
            tx,
            deps,
            { viewer: placing.viewer, traceId: draft.traceId },
            {
              action: 'order.placed_for',
              subject: `order:${orderId}`,
              after: {
                number: order.number,
                customerId: order.customerId,
                totalMinor: order.totalMinor,
                currency: order.currency,
              },
            },
          );
        await countUses(tx, placing.customerId, draft.priced.quote.uses);
        // Last: others of the customer, or the address, wait for it until the commit.
        if (order.openUnits !== null) await countOpen(tx, limitsOf(deps.config.openOrders, order), order.openUnits);
        return { replayed: false, order: stored, saga };
      });
    } catch (error) {
      if (error instanceof NoRoomError) {
        await requireRoom(deps.db.em(), deps.config.openOrders, order);
        if (tries >= numberTries) throw unavailable('Too many orders are placed at this moment; try again.');
        continue;
      }
      if (!isDuplicateKey(error)) throw error;
      const existing = await findByHeldReference(deps, placing, draft.claim, draft.input);
      if (existing !== null) return { replayed: true, orderId: existing };
      if (tries >= numberTries) throw error;
    }
  }
}

function newOrder(
  deps: OrderDeps,
  { viewer, customerId }: Placing,
  draft: Draft & {
    readonly priced: PricedOrder;
    readonly orderId: string;
    readonly at: Date;
    readonly attempt: number;
  },
): NewOrder {
  const { type, input, at } = draft;
  const { quote, shippingAddress, billingAddress } = draft.priced;
  const { lines, uses, refusals: _, ...charges } = quote;
  const coupons = uses.flatMap(({ code }) => code ?? []);
  const clientReference = input.clientReference ?? null;
  // From the reference at the first try. It is taken by chance, or by an order that failed: then it is random.
  const seed =
    clientReference === null || draft.attempt > 1
      ? undefined
      : createHash('sha256').update(`${customerId}\n${clientReference}`).digest();
  const windowSeconds = type.paymentWindowSeconds ?? deps.config.paymentWindowSeconds;
  return {
    id: draft.orderId,
    number: newNumber(type.numberPrefix, at, seed),
    type: type.code,
    customerId,
    placedBy: customerId === viewer.userId ? null : viewer.userId,
    state: 'PLACING',
    fulfilmentStatus: lines.some((line) => line.needsFulfilment) ? 'UNFULFILLED' : 'NOT_REQUIRED',
    currency: input.currency,
    ...charges,
    shippingAddress,
    billingAddress,
    couponCodes: coupons.length > 0 ? coupons : null,
    paidMinor: 0n,
    refundedMinor: 0n,
    refundPendingMinor: 0n,
    refundedTaxMinor: 0n,
    shippingRefundedMinor: 0n,
    authorizedMinor: 0n,
    remark: input.remark ?? null,
    promotionIds: uses.length > 0 ? uses.map(({ promotionId }) => promotionId) : null,
    extension: (input.extension ?? null) as NewOrder['extension'],
    clientReference,
    heldReference: clientReference,
    confirmationCode: type.redeemable ? confirmationCodeOf(randomBytes(8)) : null,
    inputHash: contentHashOf(input),
    failure: null,
    cancelReason: null,
    traceId: draft.traceId,
    placedAt: at,
    expiresAt: new Date(at.getTime() + windowSeconds * 1_000),
    isPaying: false,
    payBy: null,
    paidAt: null,
    completedAt: null,
    closedAt: null,
    archivedAt: null,
    updatedAt: at,
    hasHooks: type.onFinish !== null || type.onAbnormal !== null,
    advanceAt: null,
    advanceAttempts: 0,
    lapsesAt: type.redeemable ? lapsesAt(lines, deps.config.lapseGraceHours) : null,
    // Staff can take stock away by other ways.
    openUnits: isStaff(viewer) ? null : unitsOf(lines),
    placedFrom: isStaff(viewer) ? null : addressCounter(deps.config.openOrders, draft.clientAddress, viewer.userId),
    lines,
  };
}

async function runSaga(
  deps: OrderDeps,
  recorded: Extract<Recorded, { replayed: false }>,
  untilMs: number,
): Promise<{ order: StoredOrder; saga: Saga | null }> {
  const { order, saga } = recorded;
  failPoint('order.placed');
  if (order.placedBy !== null) deps.kickRelay();
  deps.wakeExpiry(order.expiresAt);
  const running = runPlacingSaga(deps, { saga, fence: 1, order, untilMs }).catch(async (error: unknown) => {
    if (!(error instanceof StaleOrderError)) throw error;
    // Recovered by another process: its outcome counts.
    return { order: await waitForOutcome(deps, order.id, untilMs), saga: null };
  });
  let stopWaiting = (): void => undefined;
  const waited = new Promise<null>((resolve) => {
    stopWaiting = deps.time.after(Math.max(0, untilMs - deps.time.monotonicMs()), () => resolve(null));
  });
  const outcome = await Promise.race([running, waited]).finally(stopWaiting);
  if (outcome) return outcome;
  running.catch((error: unknown) =>
    noteFailure(deps.log, error, 'placing goes on in the background job', { orderId: order.id }),
  );
  return { order: await readOrder(deps, order.id), saga: null };
}

const readOrder = async (deps: OrderDeps, orderId: string): Promise<StoredOrder> => {
  const order = await findOrder(deps.db.em(), orderId);
  if (!order) throw new Error(`order ${orderId} was recorded and is gone`);
  return order;
};

/**
 * What makes two inputs the same order. What a client expects to pay is a condition for placing one: after a price has changed,
 * a client that lost the answer expects another total of the order that it has.
 */
const contentHashOf = ({ expectedTotal: _, lines, ...content }: PlaceOrderInput): Buffer =>
  hashOf({ ...content, lines: lines.map(({ expectedUnitPrice: __, ...line }) => line) });

/**
 * The id of the customer's order that holds this reference, to which the key belongs from now on as well; null when there is
 * none. Throws RefusedError where the reference, or the key, stands for other input.
 */
async function findByHeldReference(
  deps: OrderDeps,
  { customerId }: Placing,
  claim: Claim,
  input: PlaceOrderInput,
): Promise<string | null> {
  const reference = input.clientReference ?? null;
  const existing = reference === null ? null : await findByReference(deps.db.em(), customerId, reference);
  if (!existing) return null;
  // Orders of earlier releases have the hash of all of it.
  if (![contentHashOf(input), hashOf(input)].some((hash) => hash.equals(existing.inputHash)))
    throw new RefusedError(referenceTaken(existing));
  const { result } = await deps.db.transaction((tx) => claimKey<Placed>(tx, claim, { orderId: existing.id }));
  return result.orderId;
}

/** Refuses other content under a reference that an order has. */
const referenceTaken = ({ number }: StoredOrder) => ({
  ...idempotencyConflictError(false),
  message: `Order ${number} has this reference and other content; use another reference for another order.`,
  path: ['input', 'clientReference'],
});

/** The order once it isn't PLACING any more, or as it is when the time is over. */
async function waitForOutcome(deps: OrderDeps, orderId: string, untilMs: number): Promise<StoredOrder> {
  for (;;) {
    const order = await readOrder(deps, orderId);
    if (order.state !== 'PLACING' || deps.time.monotonicMs() >= untilMs) return order;
    await deps.time.sleep(outcomePollMs);
  }
}

/** The payload of an order as it came out; the first answer and its repetitions say the same. */
function answer(order: StoredOrder, replayed: boolean): PlaceOrderPayload {
  return { order, replayed, userErrors: order.state === 'FAILED' ? [failureOf(order)] : [] };
}

function failureOf(order: StoredOrder): Refusal {
  const { shortages } = (order.failure ?? {}) as { shortages?: readonly Shortage[] };
  if (order.cancelReason === 'OUT_OF_STOCK' && shortages) return insufficientStock(shortages);
  if (order.cancelReason === 'INSUFFICIENT_BALANCE') {
    return {
      __typename: 'BusinessRejectedError',
      code: 'BUSINESS_REJECTED',
      message: 'The wallet has less than the order costs; nothing was taken. Top it up and place the order again.',
      cause: order.cancelReason,
    };
  }
  const cause = order.cancelReason ?? 'SAGA_ROLLBACK';
  return {
    __typename: 'BusinessRejectedError',
    code: 'BUSINESS_REJECTED',
    message: 'The order could not be placed; nothing was taken. Place it again.',
    cause,
  };
}
