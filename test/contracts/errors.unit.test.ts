import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { buildSchema, isObjectType } from 'graphql';
import { gatewayErrorCodes } from '../../gateway/errors.ts';
import { errorCodes } from '../../subgraphs/shared/errors/errors.ts';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const documentation = read('docs/errors.md');
const section = (title: string): string => documentation.split('\n## ').find((part) => part.startsWith(title)) ?? '';
const rows = (text: string): string[] => [...text.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map((match) => match[1] as string);
const api = buildSchema(read('schema/api.graphql'));

/** Sources of the product; the simulated provider is another company's. */
const sources = ['subgraphs', 'gateway']
  .flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
  )
  .filter((path) => path.endsWith('.ts') && !/simulated-provider|gateway\/pages\/|order\/types\//.test(path));

describe('docs/errors.md', () => {
  test('has each code of errors, and no other', () => {
    expect(rows(section('`errors[]')).toSorted()).toEqual([...errorCodes, ...gatewayErrorCodes].toSorted());
  });

  test('has each type of refusal with the codes that its description names, and no other', () => {
    const described = Object.values(api.getTypeMap())
      .filter(isObjectType)
      .filter((type) => type.getInterfaces().some((one) => one.name === 'UserError'))
      .flatMap((type) =>
        [...(type.getFields()['code']?.description ?? '').matchAll(/\b([A-Z][A-Z_]{3,})\b/g)].map(
          (match) => `${match[1]} ${type.name}`,
        ),
      );
    const documented = [...section('`userErrors[]').matchAll(/^\| `([A-Z_]+)` +\| `(\w+)` +\|/gm)].map(
      (match) => `${match[1]} ${match[2]}`,
    );
    expect(documented.toSorted()).toEqual(described.toSorted());
  });

  test('has every code that the sources give', () => {
    const documented = new Set(rows(documentation));
    const given = sources.flatMap((path) =>
      [...read(path).matchAll(/\bcode: (?:\w+ \? )?'([A-Z_]+)'(?: : '([A-Z_]+)')?/g)].flatMap((match) => [
        match[1],
        match[2],
      ]),
    );
    expect([...new Set(given)].filter((code) => code !== undefined && !documented.has(code))).toEqual([]);
  });

  test('has every reason for which a webhook is turned away', () => {
    const source = read('subgraphs/payment/domain/signature.ts');
    const documented = rows(section('`POST /webhooks'));
    expect(
      [...source.matchAll(/'((?:SIGNATURE|TIMESTAMP)_[A-Z_]+)'/g)]
        .map((match) => match[1])
        .filter((code) => !documented.includes(code as string)),
    ).toEqual([]);
  });
});
