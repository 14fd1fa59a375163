import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Platform, type Shape, startPlatform } from '../../support/platform.ts';
import { type Reviews, startReviews } from '../../support/reviews.ts';
import { type Person, createProduct, dataOf, logInAsAdmin, newKey, operation, register, watch } from '../../support/shop.ts'; // prettier-ignore
import { until } from '../../support/until.ts';

/** The walk through `docs/your-own-subgraph.md`: start, use. `composed` answers the path of the supergraph with reviews. */
export function walkThrough(shape: Shape, composed: () => string): void {
  let reviews: Reviews;
  let platform: Platform;
  let staff: Person;
  let buyer: Person;
  let productId: string;

  beforeAll(async () => {
    reviews = await startReviews();
    platform = await startPlatform({
      shape,
      env: { SUPERGRAPH_PATH: composed(), GRAPH_SUBGRAPHS: `reviews=${reviews.url}` },
    });
    [staff, buyer] = await Promise.all([logInAsAdmin(platform), register(platform, 'Rita Reader')]);
    ({ id: productId } = await createProduct(platform, staff, { onHand: 5, name: 'Lamp' }));
  }, 180_000);
  afterAll(async () => {
    await platform?.stop();
    await reviews?.stop();
  });

  const addReview = async (stars: number) =>
    dataOf(
      await platform.gql(
        'mutation ($id: ID!, $stars: Int!) { addReview(productId: $id, stars: $stars, text: "Bright.") { stars author { name } product { name rating } } }',
        { id: productId, stars },
        { token: buyer.token },
      ),
    );
  const page = () => platform.gql('query ($id: ID!) { product(id: $id) { name rating reviews { stars } } }', { id: productId }); // prettier-ignore

  test('[OP-3] a buyer reviews a product, and the product has the review', async () => {
    expect(dataOf(await page())).toEqual({ product: { name: 'Lamp', rating: null, reviews: [] } });
    const product = { name: 'Lamp', rating: 5 };
    expect(await addReview(5)).toEqual({ addReview: { stars: 5, author: { name: 'Rita Reader' }, product } });
    expect(dataOf(await page())).toEqual({ product: { name: 'Lamp', rating: 5, reviews: [{ stars: 5 }] } });
  });

  test('reviews are followed live, with fields of ours', async () => {
    const document = 'subscription ($id: ID!) { reviewAdded(productId: $id) { stars product { name stock { available } } } }'; // prettier-ignore
    const stream = watch(platform, document, { id: productId }, { token: buyer.token });
    await until(async () => {
      await addReview(5);
      return stream.results.length > 0;
    });
    expect(stream.results[0]).toEqual({
      data: { reviewAdded: { stars: 5, product: { name: 'Lamp', stock: { available: 5 } } } },
    });
    await stream.close();
  });

  test('stock is followed live, with fields of theirs; while they are away these are null, and come back', async () => {
    const document = 'subscription ($ids: [ID!]!) { stockChanged(productIds: $ids) { available product { name rating } } }'; // prettier-ignore
    const stream = watch<{ stockChanged: { available: number } }>(platform, document, { ids: [productId] }, {});
    const deliver = () =>
      platform.gql(operation('adjust-stock'), { changes: [{ productId, delta: 1, reason: 'Delivery.' }], idempotencyKey: newKey() }, { token: staff.token }); // prettier-ignore
    await until(async () => {
      await deliver();
      return stream.results.length > 0;
    });
    expect(stream.results[0]).toMatchObject({ data: { stockChanged: { product: { name: 'Lamp', rating: 5 } } } });
    await reviews.stop();
    const before = stream.results.length;
    await deliver();
    const withoutThem = await until(() => stream.results.slice(before).find(({ errors }) => errors));
    expect(withoutThem).toMatchObject({
      data: { stockChanged: { product: { name: 'Lamp', rating: null } } },
      errors: [{ path: ['stockChanged', 'product', 'rating'], extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    const readiness = await fetch(`${platform.url}/health/ready`);
    expect({ status: readiness.status, ...((await readiness.json()) as object) }).toEqual({ status: 'ready', degraded: ['reviews'] }); // prettier-ignore
    await reviews.start();
    await until(async () => (await page()).errors === undefined, { timeoutMs: 10_000 });
    await stream.close();
  });

  test('a start that meets a subgraph that does not take its token says so, and serves all else', async () => {
    await platform.terminate();
    const GRAPH_SUBGRAPH_TOKENS = `reviews=${'another-token-'.repeat(3)}`;
    await platform.restart({ GRAPH_SUBGRAPH_TOKENS });
    await until(() => /a subgraph does not answer the gateway/.test(platform.logs()));
    expect(platform.logs()).toMatch(/"setting":"GRAPH_SUBGRAPHS".*Only the gateway may ask/);
    expect(platform.logs()).not.toContain('another-token-');
    const { data, errors } = await page();
    expect(data).toEqual({ product: { name: 'Lamp', rating: null, reviews: null } });
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(['INTERNAL_SERVER_ERROR', 'INTERNAL_SERVER_ERROR']); // prettier-ignore
  }, 150_000);
}
