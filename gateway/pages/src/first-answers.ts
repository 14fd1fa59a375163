import { CategoriesDocument, ProductDocument, ProductsDocument } from '../../../schema/generated/operations.ts';
import { firstClient } from './client.ts';
import { choiceOf, queryOf } from './shop/filters.tsx';
import { shelfVariables } from './shop/shelf.tsx';

/** After that the page says itself that it waits. */
const mostMs = 3_000;

/**
 * Where the server has sent content (gateway/pages/first-content.ts), it stays until what draws the same is here: nothing
 * flickers. What is wrong with an answer the page itself says.
 */
export async function firstAnswers(): Promise<void> {
  if (document.querySelector('main[data-first]') === null) return;
  const productId = /^\/products\/([^/]+)$/.exec(location.pathname)?.[1];
  const query = queryOf(choiceOf(new URLSearchParams()), []);
  const asked =
    productId !== undefined
      ? [firstClient.query(ProductDocument, { id: productId }).toPromise()]
      : query === null
        ? []
        : [
            firstClient.query(CategoriesDocument, {}).toPromise(),
            firstClient.query(ProductsDocument, shelfVariables(query, null)).toPromise(),
          ];
  await Promise.race([Promise.all(asked), new Promise((resolve) => setTimeout(resolve, mostMs))]);
}
