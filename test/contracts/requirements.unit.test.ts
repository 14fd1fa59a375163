import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

/** The rows of docs/requirements.md: number, promise, status. */
const rows = read('docs/requirements.md')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, number]) => /^[A-Z]{2}-\d+$/.test(number ?? ''))
  .map(([, number = '', promise = '', status = '']) => ({ number, promise, status }));

/** Each number in a test's name, in brackets, with a file that has it. */
const named = new Map(
  readdirSync(new URL('test/', root), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) =>
      Array.from(
        read(`test/${path}`).matchAll(
          /\b(?:test|it|describe)(?:\.each[^\n]*)?\(\s*[`'"](?<tags>(?:\[[A-Z]{2}-\d+\] )+)/g,
        ),
        ({ groups }) => (groups?.['tags'] ?? '').match(/[A-Z]{2}-\d+/g)?.map((number) => [number, path] as const) ?? [],
      ).flat(),
    ),
);

test('each promise that is kept has a test with its number, each that is not has none, and says so', () => {
  expect(rows.length).toBeGreaterThan(60);
  expect(new Set(rows.map(({ number }) => number)).size).toBe(rows.length);
  expect(rows.filter(({ status }) => !['kept', 'partly', 'not yet'].includes(status))).toEqual([]);
  expect(rows.filter(({ status, number }) => status !== 'not yet' && !named.has(number))).toEqual([]);
  expect(rows.filter(({ status, number }) => status === 'not yet' && named.has(number))).toEqual([]);
  expect(rows.filter(({ status, promise }) => status === 'partly' && !promise.includes('Missing: '))).toEqual([]);
});

test('each number in a test’s name is one of a promise', () => {
  const known = new Set(rows.map(({ number }) => number));
  expect([...named].filter(([number]) => !known.has(number))).toEqual([]);
});
