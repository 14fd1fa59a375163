import { useCallback, useEffect, useState } from 'react';
import { type Client, useClient } from 'urql';
import { ProductDocument, type ProductQuery } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';

export type CartProduct = NonNullable<ProductQuery['product']>;
/** By product id; null: it can't be seen any more. */
export type CartProducts = ReadonlyMap<string, CartProduct | null>;

const unknownCodes = ['NOT_FOUND', 'BAD_USER_INPUT'];

async function readProduct(client: Client, id: string): Promise<CartProduct | null> {
  const { data, error } = await client
    .query(ProductDocument, { id }, { requestPolicy: 'cache-and-network' })
    .toPromise();
  if (error !== undefined) {
    const problem = toApiError(error);
    if (unknownCodes.includes(problem.code)) return null;
    throw problem;
  }
  return data?.product ?? null;
}

/** The products of the cart as the API knows them now. `products` is null until the first answer. */
export function useCartProducts(productIds: readonly string[]): {
  readonly products: CartProducts | null;
  readonly problem: string | null;
  readonly refresh: () => Promise<void>;
} {
  const client = useClient();
  const [products, setProducts] = useState<CartProducts | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const wanted = productIds.toSorted().join(' ');

  const refresh = useCallback(async () => {
    try {
      const ids = wanted === '' ? [] : wanted.split(' ');
      const read = await Promise.all(ids.map(async (id) => [id, await readProduct(client, id)] as const));
      setProducts(new Map(read));
      setProblem(null);
    } catch (error) {
      setProblem((error as Error).message);
    }
  }, [client, wanted]);

  useEffect(() => {
    void refresh();
  }, [refresh]);

  return { products, problem, refresh };
}
