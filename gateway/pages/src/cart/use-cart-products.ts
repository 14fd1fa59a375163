import { useCallback, useEffect, useState } from 'react';
import { useClient } from 'urql';
import { CartProductsDocument, type CartProductsQuery } from '../../../../schema/generated/operations.ts';
import { dataOf } from '../api.ts';

export type CartProduct = CartProductsQuery['products']['edges'][number]['node'];
/** By product id; null: it can't be seen any more. */
export type CartProducts = ReadonlyMap<string, CartProduct | null>;

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
    const ids = wanted === '' ? [] : wanted.split(' ');
    try {
      const asked = client.query(CartProductsDocument, { ids }, { requestPolicy: 'network-only' });
      const { edges } = dataOf(await asked.toPromise()).products;
      const found = new Map(edges.map(({ node }) => [node.id, node]));
      setProducts(new Map(ids.map((id) => [id, found.get(id) ?? null])));
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
