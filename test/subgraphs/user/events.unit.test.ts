import { expect, test } from '@jest/globals';
import type { Sql } from '../../../subgraphs/shared/database/database.ts';
import type { DomainEvent } from '../../../subgraphs/shared/tables/outbox.ts';
import { newId } from '../../../subgraphs/shared/values/ids.ts';
import { type EventPart, combineParts } from '../../../subgraphs/user/events.ts';

const tx = {} as Sql;
const eventOf = (type: string): DomainEvent => ({
  id: newId(), type, aggregateId: newId(), traceId: '0'.repeat(32), at: new Date().toISOString(), data: {},
}); // prettier-ignore

/** A part that writes down what it is told. */
function partOf(name: string, seen: string[], types: readonly string[]): EventPart {
  const handler = async (_: Sql, { type }: DomainEvent) => void seen.push(`${name}: ${type}`);
  return {
    handlers: Object.fromEntries(types.map((type) => [type, handler])),
    onHandled: ({ type }) => void seen.push(`${name} after ${type}`),
  };
}

test('each part acts on the events that it has a handler for, in the order of the parts', async () => {
  const seen: string[] = [];
  const { handlers, onHandled } = combineParts([
    partOf('one', seen, ['order.paid', 'order.closed']),
    partOf('two', seen, ['order.paid']),
  ]);
  expect(Object.keys(handlers)).toEqual(['order.paid', 'order.closed']);
  for (const type of ['order.paid', 'order.closed']) {
    const event = eventOf(type);
    await handlers[type]?.(tx, event);
    onHandled(event);
  }
  expect(seen).toEqual([
    'one: order.paid',
    'two: order.paid',
    'one after order.paid',
    'two after order.paid',
    'one: order.closed',
    'one after order.closed',
  ]);
});

test('an event fails as a whole where one part fails', async () => {
  const seen: string[] = [];
  const failing: EventPart = { handlers: { 'order.paid': () => Promise.reject(new Error('broken')) } };
  const { handlers } = combineParts([failing, partOf('two', seen, ['order.paid'])]);
  await expect(handlers['order.paid']?.(tx, eventOf('order.paid'))).rejects.toThrow('broken');
  expect(seen).toEqual([]);
});
