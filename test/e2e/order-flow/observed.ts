import { readFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from '@jest/globals';
import { parse } from 'yaml';
import { newSpanId, newTraceId } from '../../../subgraphs/shared/tracing/trace-ids.ts';
import type { OtlpReceiver, ReceivedSpan } from '../../../ops/bench/otlp-receiver.ts';
import { type Platform, admin } from '../../support/platform.ts';
import { type Person, cards, confirm, createPayment, dataOf, newKey, operation, orderIn } from '../../support/shop.ts';
import { until } from '../../support/until.ts';

const docker = resolve(import.meta.dirname, '../../../ops/docker');

export const observedBy = (receiver: OtlpReceiver): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
  OTEL_BSP_SCHEDULE_DELAY: '200',
  LOG_LEVEL: 'debug',
});

type Observed = { readonly platform: Platform; readonly receiver: OtlpReceiver; readonly buyer: Person; readonly staff: Person }; // prettier-ignore

/** Places and pays an order as a browser that traces does, and follows the traces. */
export async function expectOrderTrace(
  { platform, receiver, buyer, staff }: Observed,
  productId: string,
): Promise<void> {
  // prettier-ignore
  const traceId = newTraceId();
  const browser = newSpanId();
  const response = await fetch(`${platform.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${buyer.token}`, traceparent: `00-${traceId}-${browser}-01` }, // prettier-ignore
    body: JSON.stringify({ query: operation('place-order'), variables: { input: { currency: 'EUR', lines: [{ productId, quantity: 1 }] }, idempotencyKey: newKey() } }), // prettier-ignore
  });
  expect(response.headers.get('x-trace-id')).toBe(traceId);
  const { placeOrder } = ((await response.json()) as { data: { placeOrder: { order: { id: string; number: string } } } }).data; // prettier-ignore
  const { id } = placeOrder.order;
  const spanOf = (service: string, name: string, of = traceId): Promise<ReceivedSpan> =>
    until(() => receiver.of(of).find((span) => span.service === service && span.name === name), {
      what: `a span "${name}" of ${service}`,
    });

  const operationSpan = await spanOf('gateway', 'mutation placeOrder');
  expect(operationSpan).toMatchObject({ parentSpanId: browser, kind: 2, attributes: { 'viewer.kind': 'user' } });
  const fetched = await spanOf('gateway', 'fetch order');
  const command = await spanOf('order', 'placeOrder');
  const call = receiver.of(traceId).filter((span) => span.service === 'order' && span.name === 'call product');
  const reserve = await spanOf('product', 'reserveStock');
  expect([fetched.parentSpanId, command.parentSpanId]).toEqual([operationSpan.spanId, fetched.spanId]);
  expect(call.map(({ spanId }) => spanId)).toContain(reserve.parentSpanId);
  const sql = receiver.of(traceId).filter(({ name }) => name.startsWith('SQL '));
  // The user service, which tells people, may have heard of it already.
  expect([...new Set(sql.map(({ service }) => service))]).toEqual(expect.arrayContaining(['order', 'product']));
  expect(sql.some(({ attributes }) => String(attributes['db.query.text']).includes('insert into'))).toBe(true);

  // The event of the order goes on in the trace, in whichever process the worker is.
  const sent = await spanOf('order', 'send order.placed');
  expect(sent).toMatchObject({ traceId, kind: 4, parentSpanId: undefined });
  // Nothing hangs in the air: each span's parent is there.
  const ids = new Set([browser, ...receiver.of(traceId).map(({ spanId }) => spanId)]);
  expect(receiver.of(traceId).filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId))).toEqual([]); // prettier-ignore

  // The journal, which staff see, leads to the same trace; and the log.
  type Story = { order: { traceId: string; history: { edges: { node: { traceId: string } }[] } } };
  const story = 'query Story($id: ID) { order(id: $id) { traceId history { edges { node { traceId } } } } }';
  const { order } = dataOf(await platform.gql<Story>(story, { id }, { token: staff.token }));
  expect(order.traceId).toBe(traceId);
  expect(order.history.edges.map(({ node }) => node.traceId)).toContain(traceId);
  const line = platform.logs().split('\n').find((one) => one.includes(traceId) && one.includes('"msg":"operation"')); // prettier-ignore
  expect(JSON.parse(String(line).replace(/^[^{]*/, ''))).toMatchObject({ operation: 'mutation placeOrder', viewer: 'user', userId: buyer.id, code: 'OK' }); // prettier-ignore

  // The payment: the provider is called, its webhook comes back, and the order hears of it.
  await confirm(platform, await createPayment(platform, buyer, id));
  await orderIn(platform, buyer, id, ['PAID', 'FULFILLED', 'COMPLETED']);
  const spans = receiver.spans();
  await until(() => spans.some(({ service, name }) => service === 'payment' && name === 'simulated createIntent'), { what: 'the call of the provider' }); // prettier-ignore
  const entrance = await until(() => spans.find(({ service, name }) => service === 'gateway' && name === 'POST /webhooks'), { what: 'the webhook' }); // prettier-ignore
  const webhook = await spanOf('payment', 'POST /webhooks/simulated', entrance.traceId);
  expect(webhook.parentSpanId).toBe(entrance.spanId);
  const paid = await until(() => spans.find(({ service, name }) => service === 'payment' && name === 'send payment.succeeded'), { what: 'the event of the payment' }); // prettier-ignore
  const handled = await until(
    () =>
      spans.find(
        (span) =>
          span.service === 'order' &&
          (span.parentSpanId === paid.spanId || span.links.some(({ spanId }) => spanId === paid.spanId)),
      ),
    { what: 'the order that hears of it' },
  );
  expect(receiver.of(handled.traceId).some(({ name, parentSpanId }) => name.startsWith('SQL ') && parentSpanId === handled.spanId)).toBe(true); // prettier-ignore
  await until(() => spans.some(({ name }) => name.startsWith('job ')), { what: 'a job' });
}

/** Everything secret that this run has used is nowhere but where it belongs. */
export async function expectNoSecrets({ platform, receiver, buyer }: Observed): Promise<void> {
  const secrets: Record<string, string> = {
    'a card': cards.pays,
    "the buyer's password": 'correct horse battery',
    "the administrator's password": admin.password,
    "the buyer's token": buyer.token,
    "the token's signature": buyer.token.split('.')[2] ?? '',
    "a service's token": 'development-order',
    'the identity secret': 'development-identity-secret',
    "the buyer's mobile number": buyer.mobile,
    "the database's password": 'development-only',
  };
  const metrics = await (await fetch(platform.metricsUrl)).text();
  const places = { logs: platform.logs(), traces: receiver.text(), metrics };
  expect(places.logs).toContain('"msg":"operation"');
  expect(places.traces.length).toBeGreaterThan(10_000);
  const found = Object.entries(places).flatMap(([place, text]) =>
    Object.entries(secrets).flatMap(([what, secret]) => (text.includes(secret) ? [`${what} in the ${place}`] : [])),
  );
  expect(found).toEqual([]);
}

type Rules = { groups: { rules: { alert: string; expr: string }[] }[] };
type Dashboard = { panels: { title: string; targets: { expr: string }[] }[] };

/** Words of PromQL that are no metric. */
const words = /^(sum|max|min|avg|abs|rate|increase|histogram_quantile|topk|by|and|or|on|ignoring|le)$/;

function metricsIn(expression: string): string[] {
  const bare = expression
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]|"[^"]*"/g, ' ')
    .replaceAll(/\b(?:by|on|ignoring)\s*\([^)]*\)/g, ' ');
  return (bare.match(/[a-z][a-z0-9_]*/g) ?? []).filter((word) => !words.test(word));
}

/** Every metric that a panel or an alert names is one that the platform has. */
export async function expectKnownMetrics(metricsUrl: string): Promise<void> {
  const text = await (await fetch(metricsUrl)).text();
  const known = new Set(['up']);
  for (const [, name = '', type] of text.matchAll(/^# TYPE (\S+) (\S+)/gm))
    for (const suffix of type === 'histogram'
      ? ['_bucket', '_count', '_sum']
      : type === 'summary'
        ? ['', '_count', '_sum']
        : [''])
      // prettier-ignore
      known.add(`${name}${suffix}`);
  const rules = parse(await readFile(join(docker, 'prometheus', 'rules.yml'), 'utf8')) as Rules;
  const used = rules.groups.flatMap((group) => group.rules.flatMap(({ alert, expr }) => metricsIn(expr).map((name) => `${alert}: ${name}`))); // prettier-ignore
  const folder = join(docker, 'grafana', 'dashboards');
  for (const file of await readdir(folder)) {
    const { panels } = JSON.parse(await readFile(join(folder, file), 'utf8')) as Dashboard;
    for (const { title, targets } of panels)
      for (const { expr } of targets) used.push(...metricsIn(expr).map((name) => `${file}, ${title}: ${name}`));
  }
  expect(used.length).toBeGreaterThan(80);
  expect(used.filter((use) => !known.has(use.split(': ').at(-1) ?? ''))).toEqual([]);
}
