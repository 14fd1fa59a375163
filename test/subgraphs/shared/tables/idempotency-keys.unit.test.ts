import { describe, expect, test } from '@jest/globals';
import {
  type DocumentNode,
  type GraphQLInputType,
  Kind,
  type ObjectTypeDefinitionNode,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
} from 'graphql';
import { anonymous } from '../../../../subgraphs/shared/auth/viewer.ts';
import { subgraphNames } from '../../../../subgraphs/shared/values/subgraph-names.ts';
import { scalars } from '../../../../subgraphs/shared/values/scalars.ts';
import { typeDefsOf } from '../../../../schema/type-defs.ts';
import { createEngine } from '../../../../subgraphs/shared/engine/subgraph.ts';
import type { CallContext } from '../../../../subgraphs/shared/engine/prepare.ts';
import { createLogger, createMetrics } from '../../../../subgraphs/shared/process/telemetry.ts';

const mutationsOf = (typeDefs: DocumentNode) =>
  typeDefs.definitions
    .filter(
      (node): node is ObjectTypeDefinitionNode =>
        node.kind === Kind.OBJECT_TYPE_DEFINITION && node.name.value === 'Mutation',
    ) // prettier-ignore
    .flatMap(({ fields }) => fields ?? []);

/** The least that the type takes; what it means is nobody's matter here. */
function sample(type: GraphQLInputType): unknown {
  if (isNonNullType(type)) return sample(type.ofType);
  if (isListType(type)) return [];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type))
    return Object.fromEntries(
      Object.values(type.getFields())
        .filter(isRequiredInputField)
        .map((field) => [field.name, sample(field.type)]),
    );
  if (type.name === 'DateTime') return '2026-11-21T09:30:00.000Z';
  return type.name === 'Boolean' ? true : ['ID', 'String'].includes(type.name) ? 'x' : 1;
}

describe.each(subgraphNames)('an idempotency key that is none, at the %s subgraph', (name) => {
  const typeDefs = typeDefsOf(name);
  const withKey = mutationsOf(typeDefs).filter(({ arguments: args }) => args?.some((each) => each.name.value === 'idempotencyKey')); // prettier-ignore
  let reached = 0;
  const looksUp = () => {
    reached += 1;
    throw new Error('something was looked up');
  };
  const engine = createEngine<CallContext>({
    name,
    typeDefs,
    resolvers: { ...scalars, Mutation: Object.fromEntries(mutationsOf(typeDefs).map((field) => [field.name.value, looksUp])) }, // prettier-ignore
    authenticate: async () => ({ viewer: anonymous, app: 'gateway' }),
    context: (call) => call,
    log: createLogger('test', 'silent'),
    metrics: createMetrics(),
  });
  const call = async (mutation: string, idempotencyKey: string) => {
    const field = engine.schema.getMutationType()?.getFields()[mutation];
    const args = (field?.args ?? []).filter((arg) => isNonNullType(arg.type) || arg.name === 'idempotencyKey');
    const variables = { ...Object.fromEntries(args.map((arg) => [arg.name, sample(arg.type)])), idempotencyKey };
    const query = `mutation (${args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ')}) { ${mutation}(${args.map((arg) => `${arg.name}: $${arg.name}`).join(', ')}) { replayed userErrors { __typename ... on ValidationError { code path } } } }`;
    const { data, errors } = await engine.execute({ query, variables, headers: {} });
    return { payload: data?.[mutation], codes: errors?.map(({ extensions }) => extensions['code']) };
  };

  test('some mutations take one', () => expect(withKey.length).toBeGreaterThan(4));

  test.each(withKey.map((field) => field.name.value))(
    '%s refuses it before anything is looked up',
    async (mutation) => {
      for (const key of ['', 'two words', 'é', 'line\n', 'x'.repeat(129)]) {
        expect(await call(mutation, key)).toEqual({
          payload: { replayed: false, userErrors: [{ __typename: 'ValidationError', code: 'VALIDATION', path: ['idempotencyKey'] }] }, // prettier-ignore
          codes: undefined,
        });
      }
      expect(reached).toBe(0);
      await call(mutation, 'x'.repeat(128));
      expect(reached).toBe(1);
      reached = 0;
    },
  );
});
