import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { type GraphQLObjectType, buildSchema } from 'graphql';
import { typeDefsOf } from '../../schema/type-defs.ts';
import { subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';
import { staffActions } from '../../subgraphs/shared/tables/staff-acts.ts';
import { accountActions, jobActions } from '../../subgraphs/user/administration/audit.ts';
import { documentedActs } from '../e2e/audit-log/documented-acts.ts';

/** Mutations for staff that leave no entry, and why. */
const exempt: Readonly<Record<string, string>> = {};

const acts = documentedActs();

/** Names of the mutations that the SDL gives to administrators, staff or merchants. */
const forTheShop = subgraphNames.flatMap((name) =>
  typeDefsOf(name).definitions.flatMap((definition) =>
    definition.kind === 'ObjectTypeDefinition' && definition.name.value === 'Mutation'
      ? (definition.fields ?? [])
          .filter(({ directives }) => directives?.some((directive) => directive.name.value === 'tag'))
          .map((field) => field.name.value)
      : [],
  ),
);

test('[PM-4] every mutation of staff is in docs/audit-log.md with its action, or exempt with a reason', () => {
  expect(forTheShop.length).toBeGreaterThan(30);
  expect(forTheShop.filter((name) => !acts.has(name) && !(name in exempt))).toEqual([]);
});

test('docs/audit-log.md names mutations that there are, and all actions', () => {
  const api = buildSchema(readFileSync(new URL('../../schema/api.graphql', import.meta.url), 'utf8'));
  const mutations = (api.getMutationType() as GraphQLObjectType).getFields();
  expect([...acts.keys()].filter((name) => !(name in mutations))).toEqual([]);
  expect([...new Set(acts.values())].toSorted()).toEqual([...accountActions, ...staffActions].toSorted());
  const page = readFileSync(new URL('../../docs/audit-log.md', import.meta.url), 'utf8');
  expect(jobActions.filter((action) => !page.includes(`\`${action}\``))).toEqual([]);
});
