import { type Refusal, validationError } from '../../shared/errors/errors.ts';
import { brokenTextRule, firstOf } from '../../shared/values/text.ts';

/** Counters of one product. `allocated` units of the `onHand` ones are held by unpaid orders. */
export type Stock = {
  readonly productId: string;
  readonly onHand: number;
  readonly allocated: number;
  readonly lowStockThreshold: number;
  readonly allowBackorder: boolean;
  readonly version: number;
  readonly updatedAt: Date;
};

export type ReservationState = 'HELD' | 'COMMITTED' | 'RELEASED' | 'EXPIRED';
export type MovementType = 'ADJUST' | 'RECEIVE' | 'HOLD' | 'COMMIT' | 'RELEASE' | 'EXPIRE' | 'RETURN';

/** One row of the ledger; `seq` is the stock's version after it. */
export type Movement = {
  readonly productId: string;
  readonly seq: number;
  readonly type: MovementType;
  readonly onHandDelta: number;
  readonly allocatedDelta: number;
  readonly onHandAfter: number;
  readonly allocatedAfter: number;
  readonly reservationId: string | null;
  readonly orderId: string | null;
  readonly sagaBranch: string | null;
  readonly actor: string;
  readonly reason: string | null;
  readonly at: Date;
};

export type Reservation = {
  readonly id: string;
  readonly orderId: string;
  readonly productId: string;
  readonly quantity: number;
  readonly state: ReservationState;
  readonly expiresAt: Date;
  readonly createdAt: Date;
  readonly settledAt: Date | null;
};

export type Line = { readonly productId: string; readonly quantity: number };
export type StockDelta = { readonly productId: string; readonly delta: number; readonly reason: string };
export type StockSet = {
  readonly productId: string;
  readonly onHand: number;
  readonly expectedOnHand: number;
  readonly reason: string;
};

export const maxUnits = 1_000_000_000;
export const maxChanges = 100;
export const maxLines = 100;
const maxReasonLength = 200;
/** Of the reasons of merged changes together. */
const maxReasonsLength = 500;

type Settlement = {
  readonly from: ReservationState;
  readonly to: ReservationState;
  readonly type: MovementType;
  readonly onHandSign: number;
  readonly allocatedSign: number;
};

/** From which state to which settling takes a reservation, what it does to the counters, per unit, and how the ledger calls it. */
export const settlements = {
  commit: { from: 'HELD', to: 'COMMITTED', type: 'COMMIT', onHandSign: -1, allocatedSign: -1 },
  release: { from: 'HELD', to: 'RELEASED', type: 'RELEASE', onHandSign: 0, allocatedSign: -1 },
  expire: { from: 'HELD', to: 'EXPIRED', type: 'EXPIRE', onHandSign: 0, allocatedSign: -1 },
  giveBack: { from: 'COMMITTED', to: 'RELEASED', type: 'RETURN', onHandSign: 1, allocatedSign: 0 },
} as const satisfies Record<string, Settlement>;

/** Ids are sorted everywhere where rows are locked, so that two transactions never wait for each other crosswise. */
const byProduct = (left: { productId: string }, right: { productId: string }): number =>
  left.productId < right.productId ? -1 : left.productId > right.productId ? 1 : 0;

/** One line per product, in id order. */
export function mergeLines(lines: readonly Line[]): Line[] {
  const quantities = new Map<string, number>();
  for (const { productId, quantity } of lines) quantities.set(productId, (quantities.get(productId) ?? 0) + quantity);
  return [...quantities].map(([productId, quantity]) => ({ productId, quantity })).toSorted(byProduct);
}

/** One change per product, in id order; a product whose changes cancel out is left alone. */
export function mergeDeltas(changes: readonly StockDelta[]): StockDelta[] {
  const merged = new Map<string, { delta: number; reasons: Set<string> }>();
  for (const { productId, delta, reason } of changes) {
    const entry = merged.get(productId) ?? { delta: 0, reasons: new Set() };
    entry.delta += delta;
    entry.reasons.add(reason.trim());
    merged.set(productId, entry);
  }
  return [...merged]
    .filter(([, { delta }]) => delta !== 0)
    .map(([productId, { delta, reasons }]) => ({
      productId,
      delta,
      reason: firstOf([...reasons].join('; '), maxReasonsLength),
    }))
    .toSorted(byProduct);
}

export const sortSets = (changes: readonly StockSet[]): StockSet[] => changes.toSorted(byProduct);

export function checkDeltas(changes: readonly StockDelta[]): Refusal[] {
  return [
    ...checkCount(changes.length),
    ...changes.flatMap(({ delta, reason }, index) => [
      ...(delta === 0 || Math.abs(delta) > maxUnits
        ? [problem(index, 'delta', `must be between -${maxUnits} and ${maxUnits}, and not 0`)]
        : []),
      ...checkReason(index, reason),
    ]),
  ];
}

export function checkSets(changes: readonly StockSet[]): Refusal[] {
  const seen = new Set<string>();
  return [
    ...checkCount(changes.length),
    ...changes.flatMap(({ productId, onHand, reason }, index) => {
      const twice = seen.has(productId);
      seen.add(productId);
      return [
        ...(twice ? [problem(index, 'productId', 'appears twice')] : []),
        ...(onHand < 0 || onHand > maxUnits ? [problem(index, 'onHand', `must be between 0 and ${maxUnits}`)] : []),
        ...checkReason(index, reason),
      ];
    }),
  ];
}

const checkCount = (count: number): Refusal[] =>
  count >= 1 && count <= maxChanges
    ? []
    : [validationError(`changes must have 1 to ${maxChanges} entries.`, ['changes'])];

function checkReason(index: number, reason: string): Refusal[] {
  const broken = brokenTextRule(reason, { min: 1, max: maxReasonLength, lines: true });
  return broken === null ? [] : [problem(index, 'reason', broken)];
}

const problem = (index: number, field: string, rule: string): Refusal =>
  validationError(`changes.${index}.${field} ${rule}.`, ['changes', String(index), field]);
