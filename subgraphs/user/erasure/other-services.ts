import { z } from 'zod';
import type { SubgraphName } from '../../shared/values/subgraph-names.ts';
import type { UserDeps } from '../dependencies.ts';

/** The other services that keep something of a person, in the order in which it is erased. */
export const otherServices = ['order', 'payment', 'product'] as const satisfies readonly SubgraphName[];
export type OtherService = (typeof otherServices)[number];

type Asked = { readonly userId: string; readonly traceId: string };

const obstacle = z.object({ kind: z.string(), reference: z.string() });
/** Something that has to end before a user can be erased. */
export type Obstacle = z.infer<typeof obstacle>;

const mutations = { order: 'eraseFromOrders', payment: 'eraseFromPayments', product: 'eraseFromProducts' } as const;

async function ask(
  { call }: Pick<UserDeps, 'call'>,
  service: OtherService,
  operation: string,
  { userId, traceId }: Asked,
): Promise<unknown> {
  const [kind = '', field = ''] = operation.split(' ');
  const query = `${kind} Privacy($userId: ID!) { ${field}(userId: $userId) }`;
  return (await call<Record<string, unknown>>(service, { query, variables: { userId }, traceId }))[field];
}

/** What stands in the way in all other services. Throws where one can't be reached. */
export const obstaclesElsewhere = async (deps: Pick<UserDeps, 'call'>, asked: Asked): Promise<Obstacle[]> =>
  (
    await Promise.all(
      otherServices.map(async (service) =>
        z.array(obstacle).parse(await ask(deps, service, `query ${service}ErasureObstacles`, asked)),
      ),
    )
  ).flat();

/** What another service keeps of a user. */
export const personalDataOf = (deps: Pick<UserDeps, 'call'>, service: OtherService, asked: Asked): Promise<unknown> =>
  ask(deps, service, `query ${service}PersonalData`, asked);

/** Has another service erase a user; false where it has to be asked again later. */
export const eraseElsewhere = async (
  deps: Pick<UserDeps, 'call'>,
  service: OtherService,
  asked: Asked,
): Promise<boolean> => (await ask(deps, service, `mutation ${mutations[service]}`, asked)) === true;
