import { type Env, readEnv, url } from '../process/env.ts';
import { type SubgraphName, subgraphNames } from '../values/subgraph-names.ts';

/** Where each subgraph listens unless `<NAME>_PORT` says otherwise. */
export const subgraphPorts: Readonly<Record<SubgraphName, number>> = {
  user: 4101,
  product: 4102,
  order: 4103,
  payment: 4104,
};

/** Where each subgraph is reached: `<NAME>_URL`, by default its port on this host. Throws ConfigError. */
export function readSubgraphUrls(env: Env): (name: SubgraphName) => string {
  const shape = Object.fromEntries(
    subgraphNames.map((name) => [
      `${name.toUpperCase()}_URL`,
      url('http', 'https').default(`http://127.0.0.1:${subgraphPorts[name]}`),
    ]),
  );
  const urls = readEnv(env, shape);
  return (name) => String(urls[`${name.toUpperCase()}_URL`]).replace(/\/$/, '');
}
