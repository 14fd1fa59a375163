import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { type GraphQLError, buildSchema, getNamedType, getNullableType, isCompositeType, isListType, isObjectType } from 'graphql'; // prettier-ignore
import { openDocuments } from '../../gateway/documents/documents.ts';
import { readListSizes } from '../../gateway/documents/list-sizes.ts';
import { operationNames, operationText } from '../../schema/client-operations.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const api = buildSchema(read('schema/api.graphql'));
const supergraphSdl = read('schema/supergraph.graphql');
const documents = openDocuments(api, { introspection: true, supergraphSdl });

/** TOO_COSTLY and the like; undefined for a document that is taken. */
function refusalOf(query: string, variables: Record<string, unknown> = {}): unknown {
  try {
    documents.read(query, variables);
    return undefined;
  } catch (error) {
    return (error as GraphQLError).extensions['code'];
  }
}

test('every list of objects says how long it can be, or has a page size', () => {
  const sizes = readListSizes(supergraphSdl);
  const undeclared: string[] = [];
  for (const type of Object.values(api.getTypeMap()).filter(isObjectType)) {
    if (type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const isObjects = isListType(getNullableType(field.type)) && isCompositeType(getNamedType(field.type));
      const isPage = field.args.some(({ name }) => name === 'first') || type.name.endsWith('Connection');
      const place = `${type.name}.${field.name}`;
      if (isObjects && !isPage && sizes.length(place) === undefined) undeclared.push(place);
    }
  }
  expect(undeclared).toEqual([]);
});

describe('the cost of a document', () => {
  const availability = 'availability(from: "2026-12-01", to: "2027-03-03") { date capacity held sold available }';
  const aliases = (count: number, field: string) =>
    Array.from({ length: count }, (_, index) => `a${index}: ${field}`).join(' ');
  const ofOrders = (first: number, field: string) =>
    `{ myOrders(first: ${first}) { edges { node { lines { product { ${field} } } } } } }`;
  const ofSellers = (first: number, field: string) =>
    `{ products(first: ${first}) { edges { node { seller { products(first: ${first}) { edges { node { ${field} } } } } } } } }`;

  const costly: Record<string, string> = {
    'the nights of all products of all orders, many times': ofOrders(25, aliases(15, availability)),
    'the same in fragments': `${ofOrders(25, '...F')} fragment F on Product { ${aliases(15, availability)} }`,
    'the nights of a seller’s products': ofSellers(50, availability),
    'the descriptions of all lines of many orders': ofOrders(25, 'description'),
    'the tries of all payments of many orders':
      '{ myOrders(first: 100) { edges { node { payments { attempts { id state clientParams } refunds { id } } } } } }',
    'the lines of many orders with all that was added':
      '{ myOrders(first: 100) { edges { node { lines { addOns { code name } } } } } }',
    'the orders of many customers':
      '{ users(first: 100) { edges { node { orders(first: 49) { edges { node { lines { id } } } } } } } }',
  };
  test.each(Object.entries(costly))('counts %s at their longest', (_, query) => {
    expect(refusalOf(query)).toBe('TOO_COSTLY');
  });

  test('counts a page size that is a variable, given or by default', () => {
    const query = `query ($n: Int = 25) { myOrders(first: $n) { edges { node { lines { product { ${availability} } } } } } }`;
    expect(refusalOf(query)).toBe('TOO_COSTLY');
    expect(refusalOf(query, { n: 1 })).toBeUndefined();
    expect(refusalOf(query, { n: 25 })).toBe('TOO_COSTLY');
  });

  test('counts a page from the end like one from the beginning', () => {
    const query = `query ($n: Int) { myOrders(last: $n) { edges { node { lines { product { ${availability} } } } } } }`;
    expect(refusalOf(query, { n: 1 })).toBeUndefined();
    expect(refusalOf(query, { n: 25 })).toBe('TOO_COSTLY');
    expect(refusalOf(query.replace('last: $n', 'last: 25'), { n: 1 })).toBe('TOO_COSTLY');
  });

  test('leaves room for what people ask', () => {
    expect(refusalOf(ofOrders(10, 'id name price { amount currency }'))).toBeUndefined();
    expect(refusalOf(`{ products(first: 50) { edges { node { id name description ${availability} } } } }`)).toBeUndefined(); // prettier-ignore
  });

  test.each(operationNames())('of schema/operations/%s.graphql is allowed, also with the largest pages', (name) => {
    const text = operationText(name);
    for (const variables of [{}, { first: 100 }]) expect(refusalOf(text, variables)).toBeUndefined();
  });
});
