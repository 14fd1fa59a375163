import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import { type OrderCancellation, goingBack, isBeingDelivered, rejected, stayBegunError } from './giving-back.ts';
import type { Decision, Line, LineQuantity, Order, OrderCommand, OrderEvent, OrderState } from './order-model.ts';
import { refundableMinor, taxInMinor } from './paying.ts';
import { type Worth, checkPieces, counted, deliveredQuantity, keptQuantity, lineOf, openPieces, openQuantity, refundableQuantity, worthOf } from './shares.ts'; // prettier-ignore

/*
 * Money that goes back of a part of an order: by line, for shipping, or so much. What is decided here is recorded at once, with
 * what goes back (`refundPendingMinor`); payment does it. An order of which nothing is left ends as a whole.
 */

/** States in which a part of a paid order can be taken off. */
export const reducible = ['PAID', 'PROCESSING', 'NEEDS_ATTENTION'] as const satisfies readonly OrderState[];
/** States in which money can go back. */
export const refundable = [...reducible, 'COMPLETED', 'LAPSED'] as const satisfies readonly OrderState[];

const isOneOf = (state: OrderState, states: readonly OrderState[]): boolean => states.includes(state);

const limitError = (order: Order, currency: string, path: readonly string[]): Decision => ({
  refusal: {
    __typename: 'RefundLimitError',
    code: 'REFUND_LIMIT',
    message: 'This is more than is left of what was paid for the order.',
    path,
    refundable: { amount: Number(refundableMinor(order)), currency },
  } satisfies Refusal,
});

/** True when nothing of the order was delivered and nothing is left to be. */
const isEmpty = (lines: readonly Line[], order: Order): boolean =>
  lines.every((line) => openQuantity(line) === 0 && deliveredQuantity(line, order) === 0);

/** What follows when pieces were taken off: the order is complete where all that is left was delivered. */
const followsTakingOff = (order: Order, lines: readonly Line[]): readonly OrderEvent[] => {
  const waits = lines.some((line) => line.needsFulfilment && openQuantity(line) > 0);
  const begun = lines.some((line) => line.fulfilledQuantity > 0);
  return !waits && begun && order.state !== 'NEEDS_ATTENTION' ? [{ type: 'OrderCompleted' }] : [];
};

const smaller = (one: bigint, other: bigint): bigint => (one < other ? one : other);

/**
 * What the named pieces get where their worth is all the money that is left, and others are still to be delivered: their share
 * of it by what both are worth. Null where the others are worth nothing, so that nothing would be left for them.
 */
function shareOfLast(order: Order, pieces: readonly LineQuantity[]): Worth | null {
  const named = worthOf(order.lines, pieces).amountMinor;
  const after = counted(order.lines, pieces, 'refundedQuantity');
  const others = after.map((line) => ({ lineId: line.id, quantity: refundableQuantity(line) }));
  const rest = worthOf(after, others).amountMinor;
  if (rest === 0n) return null;
  const amountMinor = (refundableMinor(order) * named) / (named + rest);
  return { amountMinor, taxMinor: taxInMinor(order, amountMinor) };
}

/** Takes pieces that were not delivered off a paid order; their money goes back. The last of them cancels it as a whole. */
export function decideCancelLines(
  order: Order,
  state: OrderState,
  command: Extract<OrderCommand, { type: 'CancelLines' }>,
  { refused, whole }: { refused: Decision; whole: (given: OrderCancellation) => Decision },
): Decision {
  if (!isOneOf(state, reducible)) return refused;
  if (isBeingDelivered(order)) return rejected('DELIVERY_UNDER_WAY', 'The order is being delivered right now; it can not be stopped.'); // prettier-ignore
  const checked = checkPieces(order.lines, command.lines, { limitOf: openQuantity, path: ['lines'] });
  if ('refusal' in checked) return checked;
  const refund = refundOf(order, { pieces: checked.pieces, shippingMinor: 0n, shippingTaxMinor: 0n });
  let { pieces } = checked;
  let lines = counted(order.lines, pieces, 'cancelledQuantity');
  if (isEmpty(lines, order)) return whole(command);
  // How much of it its delivery has credited, or is about to, is not known here.
  if (command.isTopUp) return rejected('WALLET_TOP_UP', 'A top-up is cancelled as a whole.');
  // Nothing is delivered of an order whose last money goes back, and what was not named is to be delivered.
  const takesLast = refund.amountMinor > 0n && refund.amountMinor === refundableMinor(order) && openPieces(lines).length > 0; // prettier-ignore
  if (takesLast && command.stayBegun) return { refusal: stayBegunError };
  const share = takesLast ? shareOfLast(order, pieces) : null;
  if (takesLast && share === null) {
    // What would be left costs nothing, as a free gift does: it goes with what it came with.
    pieces = openPieces(order.lines);
    lines = counted(order.lines, pieces, 'cancelledQuantity');
    if (isEmpty(lines, order)) return whole(command);
  }
  const given = share ?? refund;
  const { reason, note, requestId } = command;
  return {
    events: [
      { type: 'LinesCancelled', lines: pieces, reason, note },
      { type: 'RefundRequested', requestId, lines: [], shippingMinor: 0n, restock: [], reason: note ?? reason, requestedBy: null, ...given }, // prettier-ignore
      ...followsTakingOff(order, lines),
    ],
  };
}

type Wanted = { readonly pieces: readonly LineQuantity[]; readonly shippingMinor: bigint; readonly shippingTaxMinor: bigint }; // prettier-ignore

/** What was paid for shipping, and the tax in it: what of the total the lines leave. */
const shippingOf = ({ totalMinor, taxMinor, lines }: Order): Worth => ({
  amountMinor: lines.reduce((left, line) => left - line.totalMinor, totalMinor),
  taxMinor: lines.reduce((left, line) => left - line.taxMinor, taxMinor),
});

/** What pieces and shipping come to, at most what is left; with the last money goes the last tax. */
export function refundOf(order: Order, { pieces, shippingMinor, shippingTaxMinor }: Wanted): Worth {
  const worth = worthOf(order.lines, pieces);
  const leftMinor = refundableMinor(order);
  const leftTaxMinor = order.taxMinor - order.refundedTaxMinor;
  const wholeMinor = worth.amountMinor + shippingMinor;
  if (wholeMinor >= leftMinor) return { amountMinor: leftMinor, taxMinor: leftTaxMinor };
  return { amountMinor: wholeMinor, taxMinor: smaller(worth.taxMinor + shippingTaxMinor, leftTaxMinor) };
}

/** Delivered pieces first; the others are taken off the delivery. */
function splitPieces(order: Order, pieces: readonly LineQuantity[]) {
  const [delivered, open]: [LineQuantity[], LineQuantity[]] = [[], []];
  for (const { lineId, quantity } of pieces) {
    const line = lineOf(order.lines, lineId);
    const kept = deliveredQuantity(line, order) - refundedDelivered(line);
    const first = Math.min(quantity, kept);
    if (first > 0) delivered.push({ lineId, quantity: first });
    if (quantity > first) open.push({ lineId, quantity: quantity - first });
  }
  return { delivered, open };
}

/** Delivered pieces whose money has gone back, or is on its way. */
const refundedDelivered = (line: Line): number => line.refundedQuantity - line.cancelledQuantity;

/** Of delivered pieces whose money is to go back, those that are not here yet: what came back by a return is refunded first. */
const notBack = (order: Order, pieces: readonly LineQuantity[]): readonly LineQuantity[] =>
  pieces.flatMap(({ lineId, quantity }) => {
    const line = lineOf(order.lines, lineId);
    const back = line.unrefundedReturnQuantity;
    return quantity > back ? [{ lineId, quantity: quantity - back }] : [];
  });

/** Delivered pieces of a line that are neither back nor refunded, nor expected by an open return. */
function inNoReturn(order: Order, lineId: string, returning: readonly LineQuantity[]): number {
  const line = lineOf(order.lines, lineId);
  const expected = returning.filter((each) => each.lineId === lineId).reduce((sum, { quantity }) => sum + quantity, 0);
  return keptQuantity(line, order) - expected;
}

/** Staff give money back: for lines, for shipping, or so much; by another amount than the lines are worth where one is named. */
export function decideRefund(
  order: Order,
  state: OrderState,
  command: Extract<OrderCommand, { type: 'Refund' }>,
  refused: Decision,
): Decision {
  if (!isOneOf(state, refundable)) return refused;
  if (command.isTopUp) return rejected('WALLET_TOP_UP', 'A top-up is given back out of the wallet: use refundPayment.');
  const { lines: wanted, amountMinor: asked, requestId, currency } = command;
  const checked = wanted.length === 0 ? { pieces: [] } : checkPieces(order.lines, wanted, { limitOf: refundableQuantity, path: ['input', 'lines'] }); // prettier-ignore
  if ('refusal' in checked) return checked;
  const shippingMinor = command.withShipping ? shippingOf(order).amountMinor - order.shippingRefundedMinor : 0n;
  if (command.withShipping && shippingMinor <= 0n)
    return { refusal: validationError('shipping: nothing of it is left to give back.', ['input', 'shipping']) };
  if (wanted.length === 0 && !command.withShipping && asked === null)
    return { refusal: validationError('Name lines, shipping or an amount.', ['input']) };
  const leftMinor = refundableMinor(order);
  if (leftMinor <= 0n || (asked !== null && asked > leftMinor)) return limitError(order, currency, ['input', asked === null ? 'lines' : 'amount']); // prettier-ignore
  if (asked !== null && asked < 1n)
    return { refusal: validationError('A refund is at least 1 minor unit.', ['input', 'amount', 'amount']) };
  const { pieces } = checked;
  const { delivered, open: named } = splitPieces(order, pieces);
  const restock = command.restock ? notBack(order, delivered) : [];
  if (restock.some(({ lineId, quantity }) => quantity > inNoReturn(order, lineId, command.returning ?? [])))
    return rejected('RETURN_OPEN', 'A return of these pieces is open: take them in by it, or give the money back without restocking.'); // prettier-ignore
  if (named.length > 0 && isBeingDelivered(order)) return rejected('DELIVERY_UNDER_WAY', 'The order is being delivered right now; name an amount instead of lines.'); // prettier-ignore
  const refund = amountOf(order, command, { pieces, shippingMinor });
  // Nothing more is delivered of an order whose last money goes back.
  const isLast = refund.amountMinor === leftMinor;
  const open = isLast && isOneOf(state, reducible) && !isBeingDelivered(order) ? openPieces(order.lines) : named;
  const after = counted(order.lines, open, 'cancelledQuantity');
  const { reason, requestedBy } = command;
  if (isUndelivered(order) && (isLast || isEmpty(after, order)))
    return asked !== null && !isLast
      ? { refusal: validationError('amount: an order of which nothing is left is given back whole.', ['input', 'amount']) } // prettier-ignore
      : { events: [{ type: 'OrderRefunded', note: reason, requestId, amountMinor: leftMinor, ...goingBack(order) }] };
  const event: OrderEvent = {
    type: 'RefundRequested', requestId, lines: delivered, shippingMinor, restock, reason, requestedBy, ...refund,
  }; // prettier-ignore
  if (open.length === 0) return { events: [event] };
  const taken: OrderEvent = { type: 'LinesCancelled', lines: open, reason: 'MERCHANT', note: reason };
  return { events: [taken, event, ...followsTakingOff(order, after)] };
}

/** What is asked for, or what pieces and shipping come to. */
function amountOf(
  order: Order,
  { amountMinor }: Extract<OrderCommand, { type: 'Refund' }>,
  { pieces, shippingMinor }: Pick<Wanted, 'pieces' | 'shippingMinor'>,
): Worth {
  if (amountMinor !== null) return { amountMinor, taxMinor: taxInMinor(order, amountMinor) };
  return refundOf(order, {
    pieces,
    shippingMinor,
    shippingTaxMinor: shippingMinor > 0n ? shippingOf(order).taxMinor : 0n,
  });
}

/** Nothing was delivered, and nothing is being delivered: its whole money ends it. */
const isUndelivered = (order: Order): boolean =>
  isOneOf(order.state, reducible) &&
  !isBeingDelivered(order) &&
  order.lines.every(({ fulfilledQuantity }) => fulfilledQuantity === 0);
