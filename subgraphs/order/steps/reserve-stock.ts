import type { Refusal } from '../../shared/errors/errors.ts';
import type { Step } from './step.ts';

/** What a shortage looks like in an order's `failure` and in product's answer. */
export type Shortage = {
  readonly productId: string;
  readonly requested: number;
  readonly available: number;
  readonly night?: string | null;
};

/** Tells a client what there is too little of. */
export const insufficientStock = (shortages: readonly Shortage[]): Refusal => ({
  __typename: 'InsufficientStockError',
  code: 'INSUFFICIENT_STOCK',
  message: shortages.some(({ night }) => night)
    ? 'There are fewer rooms left for these nights than were asked for; nothing was taken.'
    : 'There is less in stock than was asked for; nothing was taken.',
  path: ['input', 'lines'],
  shortages: shortages.map(({ productId, requested, available, night }) => ({
    product: { __typename: 'Product', id: productId },
    requested,
    available,
    night: night ?? null,
  })),
});

const reserveMutation = `mutation ReserveStock($sagaId: ID!, $branch: String!, $orderId: ID!, $lines: [ReserveLineInput!]!, $expiresAt: DateTime!) {
  reserveStock(sagaId: $sagaId, branch: $branch, orderId: $orderId, lines: $lines, expiresAt: $expiresAt) { ok shortages { productId requested available night } }
}`;
const releaseMutation = `mutation ReleaseStock($sagaId: ID!, $branch: String!, $orderId: ID!, $reason: String!) {
  releaseStock(sagaId: $sagaId, branch: $branch, orderId: $orderId, reason: $reason)
}`;

const branchId = 'reserve-stock';
const maxReasonLength = 200;

/** Product takes the stock, or the rooms by nights, of all lines: all of it or nothing. */
export const reserveStock: Step = {
  branchId,
  service: 'product',
  action: 'reserveStock',
  failPoint: 'order.reserved',
  async act(deps, { saga, order, lines }) {
    const { reserveStock: result } = await deps.call<{ reserveStock: { ok: boolean; shortages: Shortage[] } }>(
      'product',
      {
        query: reserveMutation,
        variables: {
          sagaId: saga.id,
          branch: branchId,
          orderId: order.id,
          lines: lines.map(({ productId, quantity, stay }) => ({
            productId,
            quantity,
            ...(stay && { stayFrom: stay.from, stayTo: stay.to }),
          })),
          expiresAt: order.expiresAt.toISOString(),
        },
        traceId: order.traceId,
      },
    );
    return result.ok
      ? { kind: 'done' }
      : { kind: 'refused', reason: 'OUT_OF_STOCK', detail: { shortages: result.shortages } };
  },
  async undo(deps, { saga, order }) {
    const reason = saga.lastError?.slice(0, maxReasonLength) ?? 'SAGA_ROLLBACK';
    const variables = { sagaId: saga.id, branch: branchId, orderId: order.id, reason };
    await deps.call('product', { query: releaseMutation, variables, traceId: order.traceId });
  },
};
