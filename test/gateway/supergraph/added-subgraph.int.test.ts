import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { generate } from 'selfsigned';
import { WebSocket } from 'ws';
import { type Reviews, reviewsSdl, startReviews } from '../../support/reviews.ts';
import { until } from '../../support/until.ts';
import { type TestGraph, composeTestGraph, startTestGraph } from '../test-graph.ts';
import { good, send, shipped, shippingTypeDefs, startShipping } from './shipping.ts';

const reviewsToken = 'token-of-the-reviews-for-this-test';
const reviewsSecret = 'identity-secret-of-the-reviews-for-this-test';
const shippingSecrets = {
  token: 'token-of-the-shipping-for-this-test',
  identitySecret: 'identity-secret-of-the-shipping-for-this-test',
};
const operationTimeoutMs = 2_500;
const reviewsPart = { name: 'reviews', typeDefs: parse(reviewsSdl) };
const shippingPart = { name: 'shipping', typeDefs: shippingTypeDefs };

// What a test looks at has no type of its own.
// eslint-disable-next-line typescript/no-explicit-any
type Result = { data?: any; errors?: any[] };

describe.each(['in process', 'over HTTP'] as const)('subgraphs that teams added, ours %s', (shape) => {
  let graph: TestGraph;
  let reviews: Reviews;
  let shipping: Awaited<ReturnType<typeof startShipping>>;
  const clients: Client[] = [];
  const trustedBefore = getCACertificates('default');

  beforeAll(async () => {
    reviews = await startReviews({ REVIEWS_TOKEN: reviewsToken, REVIEWS_IDENTITY_SECRET: reviewsSecret });
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'shipping' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
      ],
    });
    setDefaultCACertificates([...trustedBefore, cert]);
    shipping = await startShipping({ key, cert });
    graph = await startTestGraph({
      shape,
      env: { MAX_ANSWER_BYTES: '20000' },
      added: [reviewsPart, shippingPart],
      gateway: {
        config: {
          operationTimeoutMs,
          addedSubgraphs: [
            { name: 'reviews', url: reviews.url, token: reviewsToken, identitySecret: reviewsSecret },
            { name: 'shipping', url: shipping.url, ...shippingSecrets },
          ],
        },
      },
    });
  });
  afterEach(async () => {
    shipping.answer = good;
    shipping.event = shipped('o1');
    for (const client of clients.splice(0)) await client.dispose();
  });
  afterAll(async () => {
    await graph.close();
    await Promise.all([reviews.stop(), shipping.close()]);
    setDefaultCACertificates(trustedBefore);
  });

  const ask = async (query: string, headers?: Record<string, string>) => graph.ask(query, {}, headers);
  const signedIn = async (claims = {}) => ({ authorization: `Bearer ${await graph.token(claims)}` });
  const review = (productId: string, text: string) =>
    `mutation { addReview(productId: "${productId}", stars: 4, text: "${text}") { stars text author { name } product { name rating } } }`;
  const follow = (query: string) => {
    const client = createClient({ url: `ws://127.0.0.1:${graph.port}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 }); // prettier-ignore
    clients.push(client);
    const results: Result[] = [];
    let ended: unknown;
    client.subscribe({ query }, { next: (result) => results.push(result as Result), error: (error) => (ended = error), complete: () => (ended ??= 'complete') }); // prettier-ignore
    return { results, ended: () => ended };
  };

  test('extend our types, and their own lead back to ours', async () => {
    const { body } = await ask(review('p1', 'good'), await signedIn());
    expect(body).toEqual({
      data: { addReview: { stars: 4, text: 'good', author: { name: 'User u1' }, product: { name: 'Product p1', rating: 4 } } },
    }); // prettier-ignore
    expect((await ask('{ product(id: "p1") { name rating reviews(first: 1) { text } } }')).body).toEqual({
      data: { product: { name: 'Product p1', rating: 4, reviews: [{ text: 'good' }] } },
    });
  });

  test('are told who asks by an identity that is for them, and nothing that is for others', async () => {
    expect((await ask(review('p1', 'nobody'))).body).toMatchObject({
      errors: [{ message: 'Sign in to review a product.', extensions: { code: 'UNAUTHENTICATED' } }],
    });
    await ask(
      '{ order(id: "o1") { weight } carriers }',
      await signedIn({ sub: 'u7', roles: ['CUSTOMER', 'OPERATOR'] }),
    );
    const { headers = {} } = shipping;
    expect(headers).toMatchObject({
      'x-service-app': 'gateway',
      'x-service-token': shippingSecrets.token,
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
      'x-timeout-ms': expect.stringMatching(/^[0-9]+$/),
    });
    expect(headers).not.toHaveProperty('authorization');
    expect(headers).not.toHaveProperty('x-client-address');
    const [, claims = ''] = String(headers['x-identity']).split('.');
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toEqual({
      iss: 'order-platform-gateway',
      aud: 'shipping',
      sub: 'u7',
      sid: 's1',
      roles: ['CUSTOMER', 'OPERATOR'],
      iat: expect.any(Number),
      exp: expect.any(Number),
    });
    expect([...shipping.paths]).toEqual(['/api/graph']);
  });

  test('that are away cost their own fields, and an object around one of theirs that is never null', async () => {
    await reviews.stop();
    const { status, body, headers } = await ask('{ product(id: "p1") { name rating reviews { text } } }');
    const traceId = headers.get('x-trace-id');
    expect({ status, data: body.data }).toEqual({ status: 200, data: { product: { name: 'Product p1', rating: null, reviews: null } } }); // prettier-ignore
    const away = { message: "The reviews service can't be reached (ECONNREFUSED).", extensions: { code: 'SERVICE_UNAVAILABLE', traceId } }; // prettier-ignore
    expect(body.errors).toEqual([
      { ...away, path: ['product', 'rating'] },
      { ...away, path: ['product', 'reviews'] },
    ]);
    shipping.answer = (_, response) => send(response, { nothing: 'of GraphQL' }, 502);
    const { body: fragile } = await ask('{ order(id: "o1") { number shipment { state } } carriers }');
    expect(fragile.data).toEqual({ order: null, carriers: null });
    expect(fragile.errors?.map(({ path, extensions }) => [path.join('.'), extensions.code])).toEqual([
      ['carriers', 'SERVICE_UNAVAILABLE'],
      ['order.shipment', 'SERVICE_UNAVAILABLE'],
    ]);
    await reviews.start();
    await until(async () => (await ask('{ product(id: "p1") { rating } }')).body.errors === undefined, { timeoutMs: 5_000 }); // prettier-ignore
  });

  test('are asked no more while they are away, which metrics show, until they are back', async () => {
    await reviews.stop();
    const circuit = async () =>
      (await graph.runtime.metrics.registry.getSingleMetric('service_circuit_open')?.get())?.values.find(({ labels }) => labels['service'] === 'reviews')?.value; // prettier-ignore
    await until(async () => {
      await ask('{ product(id: "p1") { rating } }');
      return (await circuit()) === 1;
    });
    await reviews.start();
    await until(async () => (await circuit()) === 0, { timeoutMs: 5_000 });
    expect((await ask('{ product(id: "p1") { rating } }')).body).toEqual({ data: { product: { rating: null } } });
  });

  test('that are slow cost their fields at the deadline, which they are told', async () => {
    shipping.answer = () => undefined;
    const startedMs = performance.now();
    const { body } = await ask('{ order(id: "o1") { number weight } }');
    expect(performance.now() - startedMs).toBeLessThan(operationTimeoutMs + 5_000);
    expect(body.data).toEqual({ order: { number: 'No1', weight: null } });
    expect(body.errors).toMatchObject([{ path: ['order', 'weight'], extensions: { code: 'DEADLINE_EXCEEDED' } }]);
    expect(Number(shipping.headers?.['x-timeout-ms'])).toBeLessThanOrEqual(operationTimeoutMs);
  });

  test('may not answer more than ours may', async () => {
    shipping.answer = (_, response) => send(response, { data: { carriers: ['x'.repeat(50_000)] } });
    const { body } = await ask('{ carriers }');
    expect(body).toMatchObject({ data: { carriers: null }, errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE' } }] });
    shipping.answer = (_, response) => send(response, { data: { carriers: ['x'.repeat(25_000)] } });
    expect((await ask('{ carriers }')).body.errors).toMatchObject([{ extensions: { code: 'ANSWER_TOO_LARGE' } }]);
    // What it says of the lengths of its lists is believed, and counts.
    expect((await ask('{ order(id: "o1") { parcels } }')).body.errors).toMatchObject([{ extensions: { code: 'TOO_COSTLY' } }]); // prettier-ignore
  });

  test('have fields that clients do not see', async () => {
    expect((await ask('{ order(id: "o1") { margin } }')).body).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] }); // prettier-ignore
  });

  test('have error codes of their own; what is no business of clients is masked', async () => {
    const { body } = await ask(review('p1', 'x'.repeat(1_001)), await signedIn());
    expect(body.errors).toMatchObject([{ message: 'A review has at most 1000 characters.', path: ['addReview'], extensions: { code: 'REVIEW_TOO_LONG' } }]); // prettier-ignore
    for (const code of [undefined, 'INTERNAL_SERVER_ERROR', 'GRAPHQL_VALIDATION_FAILED', 'OVERLOADED', 'no code', 7]) {
      const error = { message: 'hunter2', path: ['carriers'], extensions: { code, stacktrace: ['hunter2'] } };
      shipping.answer = (_, response) => send(response, { data: { carriers: null }, errors: [error] });
      const { body: masked, headers } = await ask('{ carriers }');
      const traceId = headers.get('x-trace-id');
      expect(masked).toEqual({
        data: { carriers: null },
        errors: [{ message: `Something went wrong on our side; quote trace id ${traceId}.`, path: ['carriers'], extensions: { code: 'INTERNAL_SERVER_ERROR', traceId } }],
      }); // prettier-ignore
    }
  });

  test('are subscribed to at their address, with fields of ours in each event', async () => {
    const stream = follow('subscription { reviewAdded(productId: "p2") { text author { name } product { name } } }');
    const token = await signedIn();
    await until(async () => {
      await ask(review('p2', 'live'), token);
      return stream.results.length > 0;
    });
    expect(stream.results[0]).toEqual({
      data: { reviewAdded: { text: 'live', author: { name: 'User u1' }, product: { name: 'Product p2' } } },
    });
    await reviews.stop();
    await until(() => stream.ended() !== undefined);
    expect(stream.ended()).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
    await reviews.start();
  });

  test('have fields in the events of our subscriptions; while one is away its fields are null there', async () => {
    await until(async () => (await ask(review('p3', 'first'), await signedIn())).body.errors === undefined);
    const stream = follow('subscription { changes(orderId: "o1") { seq product { name rating } } }');
    const change = async (seq: number) => {
      await until(() => graph.stage.open === 1);
      graph.stage.changes.emit('o1', { orderId: 'o1', seq, product: { id: 'p3' } });
      await until(() => stream.results.length === seq);
      return stream.results[seq - 1];
    };
    expect(await change(1)).toEqual({ data: { changes: { seq: 1, product: { name: 'Product p3', rating: 4 } } } });
    await reviews.stop();
    expect(await change(2)).toMatchObject({
      data: { changes: { seq: 2, product: { name: 'Product p3', rating: null } } },
      errors: [{ path: ['changes', 'product', 'rating'], extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    await reviews.start();
    await until(async () => (await ask('{ product(id: "p3") { rating } }')).body.errors === undefined);
    expect(await change(3)).toEqual({ data: { changes: { seq: 3, product: { name: 'Product p3', rating: null } } } });
  });

  test('have events over TLS, of which one that is too large ends the stream', async () => {
    const stream = follow('subscription { shipped }');
    await until(() => stream.results.length === 1);
    expect(stream.results).toEqual([{ data: { shipped: 'o1' } }]);
    shipping.event = shipped('x'.repeat(50_000));
    const large = follow('subscription { shipped }');
    await until(() => large.ended() !== undefined);
    expect(large.ended()).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
  });

  test('refuse a subscription with codes of their own, and internal errors are masked there too', async () => {
    const errors = [
      { message: 'Not on Sundays.', extensions: { code: 'SHIPPING_RESTS' } },
      { message: 'hunter2', extensions: {} },
      { message: 'hunter2', extensions: null, path: 7 },
    ];
    // Either way: graphql-ws's `error`, and a result without data.
    for (const event of [
      { type: 'error', payload: errors },
      { type: 'next', payload: { errors } },
    ]) {
      shipping.event = event;
      const refused = follow('subscription { shipped }');
      await until(() => refused.ended() !== undefined);
      expect(refused.results).toMatchObject([
        { errors: [{ message: 'Not on Sundays.', extensions: { code: 'SHIPPING_RESTS' } }, { extensions: { code: 'INTERNAL_SERVER_ERROR' } }, { extensions: { code: 'INTERNAL_SERVER_ERROR' } }] },
      ]); // prettier-ignore
      expect(JSON.stringify(refused.results)).not.toContain('hunter2');
    }
  });

  test('that do not answer do not keep the gateway from being ready, which says so', async () => {
    const readiness = async () => {
      const response = await fetch(`${graph.url}/health/ready`);
      return { status: response.status, ...((await response.json()) as object) };
    };
    await until(async () => !('degraded' in (await readiness())));
    await reviews.stop();
    expect(await readiness()).toEqual({ status: 'ready', degraded: ['reviews'] });
    await reviews.start();
    // An answer that refuses the gateway is none that serves clients.
    shipping.answer = (_, response) => send(response, { errors: [{ message: 'Who are you?' }] }, 401);
    await until(async () => JSON.stringify((await readiness() as { degraded?: string[] }).degraded) === '["shipping"]'); // prettier-ignore
  });

  test('leave the graph, and come back, at a reload; one without an address is refused', async () => {
    await graph.gateway.reload(composeTestGraph([shippingPart]));
    const rating = '{ product(id: "p1") { rating } }';
    expect((await ask(rating)).body).toMatchObject({ errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] });
    const returns = { name: 'returns', typeDefs: parse('type Query { returns: Int }') };
    await expect(graph.gateway.reload(composeTestGraph([reviewsPart, shippingPart, returns]))).rejects.toThrow(
      /no address in GRAPH_SUBGRAPHS: returns/,
    );
    await graph.gateway.reload(graph.supergraphSdl);
    await until(async () => (await ask(rating)).body.errors === undefined);
  });
});
