import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { buildSchema, parse, validate } from 'graphql';
import { demoAccounts } from '../../../ops/demo-shop.ts';
import { type Platform, startPlatform } from '../../support/platform.ts';
import { cards, confirm, createPayment, createProduct, logIn, logInAsAdmin, orderIn, pay, placeOrder, watch } from '../../support/shop.ts'; // prettier-ignore
import { until } from '../../support/until.ts';

jest.setTimeout(120_000);

const root = resolve(import.meta.dirname, '../../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
/** The README and the documents that carry it on, as one text. */
const documents = [readme, ...['frontend.md', 'live.md', 'operating.md'].map((name) => readFileSync(join(root, 'docs', name), 'utf8'))].join('\n'); // prettier-ignore
const run = promisify(execFile);
const buyer = demoAccounts[0] as (typeof demoAccounts)[number];
let platform: Platform;
let folder: string;

beforeAll(async () => {
  platform = await startPlatform({ shape: 'one', env: { DEMO_SHOP: 'true' } });
  // Inside the repository, so that its imports find the packages.
  mkdirSync(join(root, '.data'), { recursive: true });
  folder = mkdtempSync(join(root, '.data/readme-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await platform?.stop();
});

/** The blocks of code in a language under a heading. */
function blocks(heading: string, language: string): string[] {
  const section = documents.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``, 'g'))].map(([, code]) => code ?? '');
}

/** The code under "Use it from your frontend", as it is but for where the API and the documents are. */
function readmeExample(): string {
  const [code = ''] = blocks('Use it from your frontend', 'ts');
  expect(code).toContain('http://localhost:4000');
  expect(code).toContain("'./schema/generated/operations.ts'");
  return code
    .replace('http://localhost:4000', platform.url)
    .replace('./schema/generated/operations.ts', join(root, 'schema/generated/operations.ts'));
}

test('the example of docs/frontend.md is type-checked as a frontend checks it: strictly, with the types of a browser', () => {
  writeFileSync(join(folder, 'checked.ts'), readmeExample());
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'esnext', '--module', 'nodenext', '--lib', 'esnext,dom,dom.asynciterable', '--types', 'node', '--allowImportingTsExtensions', '--ignoreConfig']; // prettier-ignore
  const { status, stdout } = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags, join(folder, 'checked.ts')], { encoding: 'utf8' }); // prettier-ignore
  expect(stdout).toBe('');
  expect(status).toBe(0);
});

test('the example of docs/frontend.md queries, places an order once and follows it until it is paid', async () => {
  writeFileSync(join(folder, 'example.ts'), readmeExample());
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(folder, 'example.ts')], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (!line.endsWith('PENDING_PAYMENT')) continue;
    const orderId = /\/pay\/([\w-]+)/.exec(lines[0] ?? '')?.[1] ?? '';
    await pay(platform, await logIn(platform, buyer), orderId);
  }
  expect(lines[0]).toMatch(/^pay at .*\/pay\//);
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(/^1 \S+ PLACING$/),
    expect.stringMatching(/^2 \S+ PENDING_PAYMENT$/),
    expect.stringMatching(/^3 \S+ PAID$/),
  ]);
});

const here = (text: string): string => text.replaceAll('http://localhost:4000', platform.url).replaceAll('http://localhost:9000', platform.metricsUrl.replace(/\/metrics$/, '')); // prettier-ignore
/** Numbers and times are others at each run. */
const alike = (text: string): unknown =>
  JSON.parse(text.replaceAll(/SO\d{6}[0-9A-Z]{9}/g, 'SO…').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '…T…Z'));

describe('the tour of the README', () => {
  const [tour = ''] = blocks('A first order, with curl', 'sh');
  const [answer = ''] = blocks('A first order, with curl', 'json');
  const [stream = ''] = blocks('Follow an order live', 'sh');

  test('the curl commands place an order, pay it and print what the README prints, and the stream of docs/live.md tells of it', async () => {
    // A slow machine gets more time, and a stream that has no end gets one.
    const script = here(`${tour}\necho\n${stream}`).replace('sleep 1;', 'sleep 4;').replace('curl -N', 'curl -N --max-time 4 -s'); // prettier-ignore
    const { stdout } = await run('bash', ['-c', script], { encoding: 'utf8' }).catch((error: { code: number; stdout: string }) => {
      if (error.code !== 28) throw error; // curl's own word for a time that is over
      return error;
    }); // prettier-ignore
    const [printed = '', ...streamed] = stdout.split('\n');
    expect(alike(printed)).toEqual(alike(answer));
    const { number } = (JSON.parse(printed) as { data: { order: { number: string } } }).data.order;
    const events = streamed.filter((line) => line.startsWith('data: {')).map((line) => JSON.parse(line.slice(6)));
    const types = events.map(({ data }) => data.myOrders).filter((told) => told.order.number === number).map((told) => told.event.type); // prettier-ignore
    expect(types).toEqual(['OrderPlaced', 'StockReserved', 'OrderPaid']);
  });

  test('the demo accounts sign in, and the test cards do what is said of them', async () => {
    const accounts = /Demo accounts[^]*?`(\d+)` to `(\d+)` with password `([^`]+)`, staff `(\d+)` with `([^`]+)`/.exec(readme)?.slice(1) ?? []; // prettier-ignore
    const [first = '', last = '', password = '', staff = '', staffPassword = ''] = accounts;
    for (let mobile = Number(first); mobile <= Number(last); mobile += 1)
      await logIn(platform, { mobile: String(mobile), password });
    await logIn(platform, { mobile: staff, password: staffPassword });

    const [pays, declined, lacks, asks] = [.../Test cards: (`[^]*?)confirmation/.exec(readme)?.[1]?.matchAll(/\d{16}/g) ?? []].map(([card]) => card); // prettier-ignore
    expect([pays, declined, lacks]).toEqual([cards.pays, cards.declines, cards.lacksFunds]);
    const buyer = await logIn(platform, { mobile: first, password });
    const made = await createProduct(platform, await logInAsAdmin(platform), { onHand: 10 });
    const meets = async (card = '') => {
      const order = await placeOrder(platform, buyer, [{ productId: made.id, quantity: 1 }]);
      return { id: order.id, ...(await confirm(platform, await createPayment(platform, buyer, order.id), card)) };
    };
    await orderIn(platform, buyer, (await meets(pays)).id, ['PAID']);
    expect((await meets(declined)).status).toBe(402);
    expect((await meets(lacks)).status).toBe(402);
    expect((await meets(asks)).body).toMatchObject({ status: 'requires_action' });
  });

  test('every door of the table opens', async () => {
    const table = /Demo accounts/.exec(readme) ? readme.slice(readme.indexOf('|   '), readme.indexOf('Demo accounts')) : ''; // prettier-ignore
    const doors = [...table.matchAll(/^\| (.*?) +\|/gm)].flatMap(([, cell]) => (cell ?? '').replaceAll('`', '').split(', ')).filter((door) => /^(http|\/)/.test(door)); // prettier-ignore
    expect(doors.length).toBeGreaterThanOrEqual(8);
    for (const door of doors) {
      const url = here(door.startsWith('/') ? `http://localhost:4000${door}` : door);
      const { status } = await fetch(url, { headers: { accept: 'text/html' }, redirect: 'follow' });
      // The stream wants to be accepted as one; the jobs lead to a sign-in.
      const expected = door.endsWith('/stream') ? [406] : [200];
      expect([door, expected.includes(status), status]).toEqual([door, true, status]);
    }
  });
});

test('the subscription of docs/live.md is valid, and replays the journal from 0', async () => {
  const [document = ''] = blocks('Follow an order live', 'graphql');
  expect(validate(buildSchema(readFileSync(join(root, 'schema/api.graphql'), 'utf8')), parse(document))).toEqual([]);
  const staff = await logInAsAdmin(platform);
  const made = await createProduct(platform, staff);
  const order = await placeOrder(platform, await logIn(platform, buyer), [{ productId: made.id, quantity: 1 }]);
  const watched = watch<{ orderEvents: { event: { seq: number } } }>(platform, document, { orderId: order.id, afterSeq: 0 }, { token: staff.token }); // prettier-ignore
  await until(() => watched.results.length >= 2, { what: 'the journal' });
  expect(watched.results.map(({ data }) => data?.orderEvents.event.seq)).toEqual([1, 2]);
  await watched.close();
});

test('every command of the documents is one of package.json, every benchmark and path is there', async () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }; // prettier-ignore
  const named = [...documents.matchAll(/npm run ([\w-]+)/g)].map(([, name]) => name ?? '');
  expect([...new Set(named)].filter((name) => !(name in scripts))).toEqual([]);
  expect(scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
  const benches = [...documents.matchAll(/npm run bench -- ([\w-]+)/g)].map(([, name]) => name ?? '');
  const help = await run(process.execPath, [join(root, 'ops/bench/run.ts'), 'no-such-benchmark'], { cwd: root }).catch((error: { stderr: string; stdout: string }) => error); // prettier-ignore
  for (const bench of new Set(benches)) expect(`${help.stdout}${help.stderr}`).toContain(bench);
});
