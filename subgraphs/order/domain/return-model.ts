/* What the rules of returns are written in. */

/** As the order's own; that file imports this one. */
type LineQuantity = { readonly lineId: string; readonly quantity: number };

export type ReturnState = 'REQUESTED' | 'APPROVED' | 'REJECTED' | 'RECEIVED' | 'REFUNDED' | 'CANCELLED';

/** Which states each state may go to. */
export const returnTransitions: Readonly<Record<ReturnState, readonly ReturnState[]>> = {
  REQUESTED: ['APPROVED', 'REJECTED', 'CANCELLED'],
  APPROVED: ['RECEIVED', 'REFUNDED', 'CANCELLED'],
  REJECTED: [],
  RECEIVED: [],
  REFUNDED: [],
  CANCELLED: [],
};

/** Pieces of one line that came back, and how many of them went into the stock. */
export type ReceivedLine = LineQuantity & { readonly restock: number };

export type ReturnLine = LineQuantity & { readonly receivedQuantity: number; readonly restockedQuantity: number };

/** What the rules need to know of a return. */
export type ReturnFacts = {
  readonly id: string;
  readonly number: string;
  readonly state: ReturnState;
  readonly reason: string;
  readonly lines: readonly ReturnLine[];
};

export type ReturnCommand =
  | {
      readonly type: 'RequestReturn';
      readonly returnId: string;
      readonly number: string;
      readonly lines: readonly LineQuantity[];
      readonly reason: string;
      /** Days after completion in which the order's type takes returns; 0 for never. */
      readonly windowDays: number;
      /** All returns of the order so far. */
      readonly returns: readonly ReturnFacts[];
    }
  | {
      readonly type: 'DecideReturn';
      readonly known: ReturnFacts;
      readonly approve: boolean;
      readonly reason: string | null;
    }
  | {
      readonly type: 'ReceiveReturn';
      readonly known: ReturnFacts;
      readonly lines: readonly ReceivedLine[];
      /** The request by which the money goes back; null where it does not. */
      readonly requestId: string | null;
      /** Who of the staff. */
      readonly requestedBy: string;
    }
  | { readonly type: 'CancelReturn'; readonly known: ReturnFacts };

type OfReturn = { readonly returnId: string; readonly number: string };

export type ReturnEvent =
  | (OfReturn & { readonly type: 'ReturnRequested'; readonly lines: readonly LineQuantity[]; readonly reason: string })
  | (OfReturn & { readonly type: 'ReturnDecided'; readonly approved: boolean; readonly reason: string | null })
  | (OfReturn & {
      readonly type: 'ReturnReceived';
      readonly lines: readonly ReceivedLine[];
      /** The `RefundRequested` that follows; null where no money goes back by it. */
      readonly requestId: string | null;
    })
  | (OfReturn & { readonly type: 'ReturnCancelled' });
