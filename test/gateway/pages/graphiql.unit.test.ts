import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'graphql';
import { resumedAfter, seqOf } from '../../../gateway/pages/src/graphiql/resume.ts';
import { curlOf, linkTo, sharedIn } from '../../../gateway/pages/src/graphiql/share.ts';

describe('a link to an operation', () => {
  test.each([
    { query: '{ viewer { kind } }', variables: '' },
    { query: 'query A($a: String) { a(a: $a) } # & + % ü 漢\n', variables: '{"a":"x&y=1+2%20"}' },
  ])('[PG-3] brings what it was made of: $query', (shared) => {
    const { search, origin, pathname } = new URL(linkTo('http://localhost:4000', shared));
    expect([origin, pathname]).toEqual(['http://localhost:4000', '/graphiql']);
    expect(sharedIn(search)).toEqual(shared);
  });

  test('without a query is none', () => {
    expect([sharedIn(''), sharedIn('?query=%20'), sharedIn('?variables={}')]).toEqual([null, null, null]);
  });
});

test('an operation as a curl command is what a shell sends, whatever is in it, and holds no token', () => {
  const params = { query: `{ a(b: "it's $HOME \`x\` \\"q\\"") }`, variables: { c: "'; rm -rf /tmp/nothing; '" } };
  const command = curlOf('http://localhost:4000', params, { isSubscription: false, signedIn: true });
  expect(command).toContain('"authorization: Bearer $TOKEN"');
  const words = execFileSync('sh', ['-c', command.replace(/^curl/, String.raw`printf '%s\0'`)], { encoding: 'utf8', env: { TOKEN: 'shell' } }).split('\0'); // prettier-ignore
  expect(words[0]).toBe('http://localhost:4000/graphql');
  expect(words).toContain('authorization: Bearer shell');
  expect(JSON.parse(words[words.indexOf('-d') + 1] ?? '')).toEqual(params);
});

test('a subscription as a curl command is a stream of Server-Sent Events', () => {
  const command = curlOf('https://shop.example', { query: 'subscription { a }' }, { isSubscription: true, signedIn: false }); // prettier-ignore
  expect(command).toMatch(/^curl -N https:\/\/shop\.example\/graphql\/stream /);
  expect(command).toContain('accept: text/event-stream');
  expect(command).not.toContain('authorization');
});

describe('a subscription goes on after its last event', () => {
  test.each([
    ['myOrders', { seq: 7, event: { seq: 2 } }, 7],
    ['orderEvents', { event: { seq: 3 } }, 3],
    ['allOrders', { event: { seq: 3 } }, undefined],
    ['myOrders', { event: { seq: 3 } }, undefined],
    ['stockChanged', { available: 1 }, undefined],
    ['orderEvents', null, undefined],
  ])('%s with %j was at %s', (field, notice, seq) => {
    expect(seqOf({ data: { alias: notice } }, `subscription { alias: ${field} { id } }`, null)).toBe(seq);
  });

  test('by its variable, whatever that is called, and by a number in its text', () => {
    const variables = { id: 'x', from: 0 };
    const query = 'subscription W($id: ID!, $from: SafeInt) { orderEvents(orderId: $id, afterSeq: $from) { seq } }';
    expect(resumedAfter({ query, variables }, 9, null)).toEqual({ query, variables: { id: 'x', from: 9 } });
    const literal = resumedAfter({ query: 'subscription { myOrders(afterSeq: 0) { seq } }' }, 9, null);
    expect(parse(literal?.query ?? '', { noLocation: true })).toEqual(parse('subscription { myOrders(afterSeq: 9) { seq } }', { noLocation: true })); // prettier-ignore
  });

  test('in the operation that runs, of several', () => {
    const query = 'subscription A { myOrders(afterSeq: 1) { seq } } subscription B { allOrders(afterSeq: 2) { seq } }';
    expect(resumedAfter({ query }, 9, 'B')?.query).toMatch(/myOrders\(afterSeq: 1\)[^]*allOrders\(afterSeq: 9\)/);
  });

  test('and begins anew where it gave no afterSeq', () => {
    expect(resumedAfter({ query: 'subscription { stockChanged(productIds: []) { available } }' }, 9, null)).toBeNull();
  });
});
