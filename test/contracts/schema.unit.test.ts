import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  BreakingChangeType,
  buildSchema,
  findBreakingChanges,
  isInputObjectType,
  isEnumType,
  isInterfaceType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { openDocuments } from '../../gateway/documents/documents.ts';
import { breakingChanges } from '../../schema/api-baseline.ts';
import { operationNames, operationText } from '../../schema/client-operations.ts';
import { composeSchemas } from '../../schema/compose.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const api = buildSchema(read('schema/api.graphql'));

describe("the clients' API", () => {
  test('composes without a hint', async () => {
    const { hints } = await composeSchemas();
    expect(hints).toEqual([]);
  }, 60_000);

  test('is what the SDL yields', async () => {
    const { files } = await composeSchemas();
    expect([...files].filter(([path, content]) => read(`schema/${path}`) !== content).map(([path]) => path)).toEqual(
      [],
    );
  }, 60_000);

  test('has nothing that the planner takes forever for', () => {
    expect(read('schema/supergraph.graphql')).not.toContain('isInterfaceObject: true');
  });

  // What breaks on purpose moves the baseline: npm run compose -- --baseline
  test('breaks no client that was written against the baseline', () => {
    expect(breakingChanges(buildSchema(read('schema/baseline.graphql')), api)).toEqual([]);
  });

  test('hides what only services call', () => {
    const fields = [api.getQueryType(), api.getMutationType(), api.getSubscriptionType()].flatMap((type) =>
      Object.keys(type?.getFields() ?? {}),
    );
    expect(
      fields.filter((name) =>
        ['reserveStock', 'releaseStock', 'chargeWallet', 'markOrderPaid', '_entities', '_service'].includes(name),
      ),
    ).toEqual([]);
  });

  test('is described: every type, field and enum value', () => {
    const missing: string[] = [];
    for (const type of Object.values(api.getTypeMap())) {
      if (type.name.startsWith('__') || ['ID', 'String', 'Int', 'Float', 'Boolean'].includes(type.name)) continue;
      if (!type.description) missing.push(type.name);
      const parts =
        isObjectType(type) || isInterfaceType(type) || isInputObjectType(type)
          ? Object.values<{ name: string; description?: string | null | undefined }>(type.getFields())
          : isEnumType(type)
            ? type.getValues()
            : [];
      for (const part of parts) if (!part.description) missing.push(`${type.name}.${part.name}`);
    }
    expect(missing).toEqual([]);
  });

  /** Returns were built later than the rest, and better than the first contract had them; no client has ever had the old ones. */
  const builtOtherwise = [
    'Mutation.decideReturn arg restock was removed.',
    'Mutation.decideReturn changed type from OrderPayload! to ReturnPayload!.',
    'Mutation.requestReturn arg lines has changed type from [ReturnLineInput!]! to [OrderLineQuantityInput!]!.',
    'Mutation.requestReturn changed type from OrderPayload! to ReturnPayload!.',
    'OrderReturn.lines changed type from [FulfilmentLine!]! to [ReturnLine!]!.',
  ];
  test('differs from the first contract only by what is not built yet, or was built otherwise', () => {
    const contract = buildSchema(read('test/contracts/baseline/contract.graphql'));
    const notBuilt: string[] = [BreakingChangeType.TYPE_REMOVED, BreakingChangeType.FIELD_REMOVED, BreakingChangeType.TYPE_REMOVED_FROM_UNION, BreakingChangeType.VALUE_REMOVED_FROM_ENUM]; // prettier-ignore
    const changes = findBreakingChanges(contract, api).filter((change) => !notBuilt.includes(change.type));
    expect(changes.map(({ description }) => description).toSorted()).toEqual(builtOtherwise.toSorted());
  });
});

describe('the operations for clients', () => {
  const documents = openDocuments(api, { introspection: true, supergraphSdl: read('schema/supergraph.graphql') });

  test.each(operationNames())('%s is valid and keeps the limits', (name) => {
    const text = operationText(name);
    expect(validate(api, parse(text))).toEqual([]);
    expect(() => documents.read(text, { first: 100 })).not.toThrow(); // eslint-disable-line jest/require-to-throw-message
  });
});
