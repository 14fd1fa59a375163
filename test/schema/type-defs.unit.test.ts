import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'graphql';
import { typeDefsOf } from '../../schema/type-defs.ts';
import { subgraphNames } from '../../subgraphs/shared/values/subgraph-names.ts';

const definitionsIn = (file: string): string[] =>
  parse(readFileSync(new URL(`../../schema/${file}.graphql`, import.meta.url), 'utf8'))
    .definitions.filter(({ kind }) => kind.endsWith('Definition'))
    .flatMap((definition) => ('name' in definition && definition.name ? [definition.name.value] : []));
const given = new Map(
  subgraphNames.map((name) => [
    name,
    typeDefsOf(name).definitions.flatMap((each) =>
      'name' in each && each.name && each.kind.endsWith('Definition') ? [each.name.value] : [],
    ),
  ]),
);

describe('the SDL that subgraphs share', () => {
  test.each(definitionsIn('shared'))('%s is used by two subgraphs or more, and defined by none of them', (shared) => {
    expect([...given.values()].filter((names) => names.includes(shared)).length).toBeGreaterThanOrEqual(2);
    expect(subgraphNames.filter((name) => definitionsIn(name).includes(shared))).toEqual([]);
  });

  test('goes to a subgraph with what it uses itself, and the rest of it does not', () => {
    expect(given.get('product')).toEqual(
      expect.arrayContaining(['Money', 'SafeInt', 'DeadLetterPayload', 'DeadLetter']),
    );
    expect(given.get('user')).toEqual(expect.arrayContaining(['UserError', 'ConflictError', 'DateTime']));
    expect(given.get('user')).not.toEqual(expect.arrayContaining(['Money']));
    expect(given.get('user')).not.toEqual(expect.arrayContaining(['RefundLimitError']));
  });
});
