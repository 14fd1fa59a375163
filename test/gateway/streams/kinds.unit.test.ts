import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, parse, validate } from 'graphql';
import { streamKinds, streamRequests } from '../../../gateway/streams/kinds.ts';

const requestOf = streamRequests();
const schema = buildSchema(readFileSync(new URL('../../../schema/api.graphql', import.meta.url), 'utf8'));
const squeezed = (text: string) => text.replaceAll(/\s+/g, ' ').trim();

describe('what the gateway asks the owner of a subscription', () => {
  test.each(Object.entries(streamKinds))('of kind %s is a valid subscription of our schema', (field, { kind }) => {
    const own = schema.getSubscriptionType()?.getFields()[field];
    const args = (own?.args ?? [])
      .filter(({ type }) => String(type).endsWith('!'))
      .map(({ name, type }) => ({ name, type: String(type) }));
    const definitions = args.map(({ name, type }) => `$${name}: ${type}`).join(', ');
    const given = args.map(({ name }) => `${name}: $${name}`).join(', ');
    const query = `subscription${definitions && `(${definitions})`} { ${field}${given && `(${given})`} { __typename } }`;
    const request = requestOf({ query, variables: {} });
    expect(validate(schema, parse(request.query))).toEqual([]);
    expect(request.query.includes('afterSeq: $gatewayAfterSeq')).toBe(kind === 'journal');
  });

  test('every subscription of our schema has a kind', () => {
    expect(Object.keys(schema.getSubscriptionType()?.getFields() ?? {}).toSorted()).toEqual(
      Object.keys(streamKinds).toSorted(),
    );
  });

  test('starts a journal where the client wants, from a literal, a variable, its default, or now', () => {
    const start = (given: string, variables = {}, definitions = '') =>
      requestOf({ query: `subscription${definitions} { orderEvents(orderId: "1"${given}) { seq } }`, variables });
    expect(start(', afterSeq: 5').startAfter).toBe(5);
    expect(start(', afterSeq: $seq', { seq: 6 }, '($seq: SafeInt)').startAfter).toBe(6);
    expect(start(', afterSeq: $seq', {}, '($seq: SafeInt = 7)').startAfter).toBe(7);
    expect(start(', afterSeq: $seq', { seq: null }, '($seq: SafeInt = 7)').startAfter).toBeNull();
    expect(start(', afterSeq: null').startAfter).toBeNull();
    expect(start('').startAfter).toBeNull();
  });

  test('drops the variable that only told the start, and keeps the others', () => {
    const query = 'subscription W($id: ID!, $seq: SafeInt, $more: Boolean!) { told: orderEvents(orderId: $id, afterSeq: $seq) { order { id @include(if: $more) } } }'; // prettier-ignore
    const request = requestOf({ query, variables: { id: 'a', seq: 4, more: true } });
    expect(squeezed(request.query)).toBe(
      'subscription W($id: ID!, $more: Boolean!, $gatewayAfterSeq: SafeInt) { told: orderEvents(orderId: $id, afterSeq: $gatewayAfterSeq) { order { id @include(if: $more) } gatewayMark: seq } }',
    );
    expect(request.variables(9)).toEqual({ id: 'a', more: true, gatewayAfterSeq: 9 });
    expect(request.mark({ told: { order: { id: 'a' }, gatewayMark: 9 } })).toBe(9);
    expect(request.mark({ told: null })).toBeNull();
    expect(request.mark(null)).toBeNull();
  });

  test.each([
    'subscription ($o: ID!) { orderEvents(orderId: $o, afterSeq: 0) { gatewayMark: event { type } seq } }',
    'subscription ($o: ID!) { orderEvents(orderId: $o) { ...F } } fragment F on OrderEventNotice { gatewayMark_: seq gatewayMark: event { type } }',
    'subscription ($gatewayAfterSeq: ID!) { orderEvents(orderId: $gatewayAfterSeq, afterSeq: 3) { seq } }',
    'subscription ($o: ID!, $gatewayAfterSeq: SafeInt) { orderEvents(orderId: $o, afterSeq: $gatewayAfterSeq) { seq } }',
  ])("a client's own names don't get into the way of the gateway's: %s", (query) => {
    expect(validate(schema, parse(query))).toEqual([]);
    const request = requestOf({ query, variables: { o: 'a', gatewayAfterSeq: 'b' } });
    const document = parse(request.query);
    expect(validate(schema, document)).toEqual([]);
    const added = /(gatewayMark_*): seq\s*\}\s*\}/.exec(request.query)?.[1] as string;
    expect(query).not.toContain(`${added}:`);
    expect(request.mark({ orderEvents: { gatewayMark: 1, gatewayMark_: 2, [added]: 9 } })).toBe(9);
    const start = /afterSeq: \$(gatewayAfterSeq_*)\)/.exec(request.query)?.[1] as string;
    const own = query.includes('orderId: $gatewayAfterSeq') ? { gatewayAfterSeq: 'b' } : { o: 'a' };
    expect(request.variables(9)).toEqual({ ...own, [start]: 9 });
  });

  test('tells states apart by what identifies them', () => {
    const request = requestOf({ query: '{ s: stockChanged(productIds: ["1"]) { available } }'.replace('{', 'subscription {'), variables: {} }); // prettier-ignore
    expect(request.mark({ s: { available: 1, gatewayMark: { id: 'p' } } })).toBe('{"id":"p"}');
    expect(request.variables(null)).toEqual({});
  });

  test('is left as it is for a field that the gateway knows nothing of', () => {
    const query = 'subscription ($a: Int) { somethingElse(a: $a) }';
    const request = requestOf({ query, variables: { a: 1 } });
    expect(request).toMatchObject({ kind: null, query, startAfter: null });
    expect(request.variables(null)).toEqual({ a: 1 });
  });
});
