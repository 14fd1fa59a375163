import { type Env, readEnv, url } from '../subgraphs/shared/env.ts';
import { type SubgraphLink, type SubgraphName, httpLink } from '../subgraphs/shared/link.ts';

/** Links to all subgraphs over HTTP, at `<NAME>_URL`, by default where their servers listen when nothing else is said. */
export function httpLinks(env: Env): { link: (name: SubgraphName) => SubgraphLink; close(): Promise<void> } {
  const given = readEnv(env, {
    USER_URL: url('http', 'https').default('http://127.0.0.1:4101'),
    PRODUCT_URL: url('http', 'https').default('http://127.0.0.1:4102'),
    ORDER_URL: url('http', 'https').default('http://127.0.0.1:4103'),
    PAYMENT_URL: url('http', 'https').default('http://127.0.0.1:4104'),
  });
  const links = {
    user: httpLink('user', given.USER_URL),
    product: httpLink('product', given.PRODUCT_URL),
    order: httpLink('order', given.ORDER_URL),
    payment: httpLink('payment', given.PAYMENT_URL),
  } satisfies Record<SubgraphName, SubgraphLink>;
  return {
    link: (name) => links[name],
    close: async () => {
      await Promise.all(Object.values(links).map((link) => link.close()));
    },
  };
}
