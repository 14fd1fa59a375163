import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What ARCHITECTURE.md says under "Who may import what", import by import. */
const allowed = [
  'gateway/server.ts → ../subgraphs/shared/process/env.ts',
  'gateway/server.ts → ../subgraphs/order/subgraph.ts',
  'gateway/front/http.ts → ../documents/cost.ts',
  'gateway/pages/src/pay/pay.tsx → ../../../../schema/generated/operations.ts',
  'schema/compose.ts → ../subgraphs/shared/values/subgraph-names.ts',
  'subgraphs/shared/calls/link.ts → ../http/transport.ts',
  'subgraphs/shared/http/transport.ts → ./own-client.ts',
  'gateway/server.ts → ../subgraphs/shared/http/server.ts',
  'subgraphs/order/subgraph.ts → ./resolvers.ts',
  'subgraphs/order/domain/order.ts → ./order-model.ts',
  'subgraphs/order/domain/order.ts → ../../shared/errors/errors.ts',
  'subgraphs/order/domain/order.ts → ../../shared/values/money.ts',
  'subgraphs/order/domain/pricing/price-lines.ts → ../line.ts',
  'subgraphs/order/domain/pricing/price-lines.ts → ../../../shared/values/money.ts',
  'subgraphs/product/domain/product.ts → ../../shared/auth/viewer.ts',
  'subgraphs/order/commands/place-order.ts → ../order-store.ts',
  'subgraphs/order/commands/place-order.ts → ../domain/order.ts',
  'subgraphs/order/commands/place-order.ts → ../../shared/database/database.ts',
  'subgraphs/order/resolvers.ts → ./commands/place-order.ts',
  'subgraphs/order/resolvers.ts → ../shared/auth/viewer.ts',
  'subgraphs/order/resolvers.ts → ../../schema/generated/order.ts',
  'subgraphs/order/order-store.ts → ../shared/database/database.ts',
  'subgraphs/order/order-store.ts → ./records.ts',
  'subgraphs/payment/ledger/transfer.ts → ../domain/ledger.ts',
  'subgraphs/product/category-store.ts → ../shared/database/tables.ts',
  'subgraphs/product/category-store.ts → kysely',
  'subgraphs/payment/ledger/ledger-store.ts → ../../shared/database/reader.ts',
  'subgraphs/payment/tables.ts → ../shared/database/tables.ts',
  'subgraphs/user/records.ts → ../shared/database/tables.ts',
  'subgraphs/user/migrations/001-users.ts → ../../shared/database/statements.ts',
];
const refused = [
  'gateway/server.ts → ../ops/dev.ts',
  'gateway/server.ts → ../test/support/until.ts',
  'gateway/server.ts → ../subgraphs/order/store.ts',
  'schema/compose.ts → ../ops/dev.ts',
  'schema/compose.ts → ../gateway/server.ts',
  'subgraphs/shared/process/env.ts → ../../order/config.ts',
  'subgraphs/shared/process/env.ts → ../../../gateway/server.ts',
  'subgraphs/shared/process/env.ts → ../../../ops/dev.ts',
  'subgraphs/shared/calls/link.ts → ../http/answer.ts',
  'gateway/server.ts → ../subgraphs/shared/http/own-client.ts',
  'subgraphs/user/subgraph.ts → ../product/product-store.ts',
  'subgraphs/product/subgraph.ts → ../user/store.ts',
  'subgraphs/order/saga.ts → ../payment/commands/charge-wallet.ts',
  'subgraphs/payment/ledger/transfer.ts → ../../order/store.ts',
  'subgraphs/payment/jobs.ts → ../../test/support/until.ts',
  'subgraphs/order/domain/order.ts → ../records.ts',
  'subgraphs/order/domain/pricing/price-lines.ts → ../../records.ts',
  'subgraphs/order/domain/pricing/price-lines.ts → ../../../shared/database/database.ts',
  'subgraphs/order/domain/order.ts → ../types/order-type.ts',
  'subgraphs/order/domain/order.ts → ../../shared/database/database.ts',
  'subgraphs/order/domain/order.ts → ../../shared/process/clock.ts',
  'subgraphs/order/domain/order.ts → ../../shared/time/time.ts',
  'subgraphs/order/domain/order.ts → ../../product/domain/stock.ts',
  'subgraphs/order/commands/place-order.ts → ../resolvers.ts',
  'subgraphs/order/commands/place-order.ts → ../jobs.ts',
  'subgraphs/order/commands/place-order.ts → ../../product/product-store.ts',
  'subgraphs/order/commands/place-order.ts → ../../../ops/dev.ts',
  'subgraphs/order/resolvers.ts → ./order-store.ts',
  'subgraphs/product/resolvers.ts → ./stock-store.ts',
  'subgraphs/order/resolvers.ts → ../shared/database/database.ts',
  'subgraphs/order/resolvers.ts → ../product/queries.ts',
  'subgraphs/order/subscriptions.ts → ./feed-store.ts',
  'subgraphs/order/order-store.ts → ./commands/place-order.ts',
  'subgraphs/product/stock-store.ts → ./queries.ts',
  'subgraphs/order/records.ts → ./resolvers.ts',
  'subgraphs/payment/records.ts → ../order/records.ts',
  'subgraphs/user/jobs.ts → kysely',
  'subgraphs/user/jobs.ts → ../shared/database/tables.ts',
  'subgraphs/product/queries.ts → ../shared/database/reader.ts',
  'subgraphs/order/commands/place-order.ts → ../../shared/database/tables.ts',
  'subgraphs/payment/ledger/transfer.ts → ../../shared/database/tables.ts',
];

type Finding = { readonly filename: string; readonly line: number; readonly rule: string };

/** What our rules of `names` find in a project of these files alone: path → source. */
function lint(files: ReadonlyMap<string, string>, ...names: readonly string[]): Finding[] {
  const project = mkdtempSync(join(tmpdir(), 'import-rules-'));
  try {
    copyFileSync(join(root, '.oxlintrc.json'), join(project, '.oxlintrc.json'));
    for (const [path, source] of files) {
      mkdirSync(dirname(join(project, path)), { recursive: true });
      writeFileSync(join(project, path), source);
    }
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
    const found = JSON.parse(run(process.execPath, [oxlint, '--format', 'json'], project)) as {
      diagnostics: { filename: string; code: string; labels: { span: { line: number } }[] }[];
    };
    return found.diagnostics
      .map(({ filename, code, labels }) => ({ filename, line: labels[0]?.span.line ?? 0, rule: code }))
      .filter(({ rule }) => names.some((name) => rule.includes(name)));
  } finally {
    rmSync(project, { recursive: true });
  }
}

/** What a program prints, whatever its exit code: oxlint's says whether it has found something. */
function run(program: string, args: readonly string[], cwd: string): string {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  } catch (error) {
    if (error instanceof Error && 'stdout' in error && typeof error.stdout === 'string') return error.stdout;
    throw error;
  }
}

/** Those of the imports that the rules refuse. */
function refusedOf(imports: readonly string[]): string[] {
  const paths = new Map<string, string[]>();
  for (const each of imports) {
    const [file = '', path = ''] = each.split(' → ');
    paths.set(file, [...(paths.get(file) ?? []), path]);
  }
  const files = new Map(
    [...paths].map(([file, list]) => [file, list.map((path) => `import type {} from '${path}';\n`).join('')]),
  );
  return lint(files, 'no-restricted-imports').map(({ filename, line }) => `${filename} → ${paths.get(filename)?.[line - 1] ?? '?'}`); // prettier-ignore
}

describe('the lint rules', () => {
  test('refuse each import that goes against the architecture, and no other', () => {
    expect(refusedOf([...allowed, ...refused]).toSorted()).toEqual(refused.toSorted());
  });

  test('refuse the clock, randomness and new ids in domain/, and there alone', () => {
    const source = [
      "import { idToBytes, newId } from '../../shared/values/ids.ts';",
      'export const one = Date.now();',
      'export const other = Math.random();',
      'export const id = idToBytes(newId());',
    ].join('\n');
    const files = new Map([
      ['subgraphs/order/domain/order.ts', source],
      ['subgraphs/order/commands/place-order.ts', source],
    ]);
    const found = lint(files, 'no-restricted-imports', 'no-restricted-properties');
    expect(found.map(({ filename, line }) => `${filename}:${line}`).toSorted()).toEqual([
      'subgraphs/order/domain/order.ts:1',
      'subgraphs/order/domain/order.ts:2',
      'subgraphs/order/domain/order.ts:3',
    ]);
  });

  test('refuse imports that go in a circle, of types too', () => {
    const files = new Map([
      ['subgraphs/order/one.ts', "import type { Other } from './other.ts';\nexport type One = { other: Other };\n"],
      ['subgraphs/order/other.ts', "import type { One } from './one.ts';\nexport type Other = { one: One };\n"],
      ['subgraphs/order/third.ts', "import type { One } from './one.ts';\nexport type Third = { one: One };\n"],
    ]);
    expect(lint(files, 'no-cycle').map(({ filename }) => filename).toSorted()).toEqual(['subgraphs/order/one.ts', 'subgraphs/order/other.ts']); // prettier-ignore
  });
});
