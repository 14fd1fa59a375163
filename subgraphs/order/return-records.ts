import { defineEntity, p } from '@mikro-orm/core';
import { at, id, text } from '../shared/database/columns.ts';
import type { ReturnState } from './domain/return-model.ts';

export const OrderReturnRecord = defineEntity({
  name: 'OrderReturnRecord',
  tableName: 'order_return',
  properties: {
    id: id().primary(),
    orderId: id(),
    number: text<string>(32).unique('order_return_number'),
    state: text<ReturnState>(16),
    reason: text<string>(255),
    decidedReason: text<string>(255).nullable(),
    /** The request by which its money goes back; null while there is none. */
    requestId: id().nullable(),
    createdAt: at(),
    updatedAt: at(),
  },
  indexes: [
    { name: 'order_return_order', properties: ['orderId', 'id'] },
    { name: 'order_return_state', properties: ['state', 'id'] },
  ],
});

export const OrderReturnLineRecord = defineEntity({
  name: 'OrderReturnLineRecord',
  tableName: 'order_return_line',
  properties: {
    returnId: id().primary(),
    lineId: id().primary(),
    quantity: p.integer(),
    receivedQuantity: p.integer().default(0),
    restockedQuantity: p.integer().default(0),
  },
  indexes: [{ name: 'order_return_line_line', properties: ['lineId'] }],
});
