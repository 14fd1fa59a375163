import { once } from 'node:events';
import { type IncomingMessage, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, type Socket, createServer as createTcpServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import type { CallReport } from '../../../../subgraphs/shared/calls/circuit.ts';
import { deadlineIn } from '../../../../subgraphs/shared/time/deadline.ts';
import { httpLink } from '../../../../subgraphs/shared/calls/http-link.ts';
import { maxAnswerBytes } from '../../../../subgraphs/shared/http/transport.ts';
import type { SubgraphLink, SubgraphRequest } from '../../../../subgraphs/shared/calls/link.ts';
import { createMetrics } from '../../../../subgraphs/shared/process/telemetry.ts';
import { until } from '../../../support/until.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A service that answers like this, and a link to it. */
async function serve(answer: Answer) {
  const service = { answer, asked: 0, sockets: new Set<Socket>() };
  const server = createServer((request, response) => {
    service.asked += 1;
    request.resume().once('end', () => service.answer(request, response));
  });
  server.on('connection', (socket) => {
    service.sockets.add(socket);
    socket.once('close', () => service.sockets.delete(socket));
  });
  const listen = async (port = 0): Promise<number> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen();
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  closing.push(stop);
  return { service, port, stop, start: listen, ...linkTo(port) };
}

function linkTo(port: number) {
  const lines: { dependency?: string; msg: string }[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) }); // prettier-ignore
  const report: CallReport = { log, metrics: createMetrics() };
  const link = httpLink('product', `http://127.0.0.1:${port}`, () => report);
  closing.push(() => link.close());
  const valueOf = async (name: string): Promise<number | undefined> =>
    (await report.metrics.registry.getSingleMetric(name)?.get())?.values[0]?.value;
  return {
    link,
    lines: () => lines,
    circuit: () => valueOf('service_circuit_open'),
    failures: () => valueOf('service_call_failures_total'),
  };
}

const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
};
const good: Answer = (_, response) => json(response, { data: { a: 1 } });
const query: SubgraphRequest = { query: '{ a }', headers: {}, isRepeatable: true };
const mutation: SubgraphRequest = { query: 'mutation { a }', headers: {} };

/** The code of a call that fails, and how long it took. */
async function failing(link: SubgraphLink, request: SubgraphRequest = query) {
  const started = performance.now();
  const error = await link.execute(request).then(
    (result) => expect(result).toBe('a failure'),
    (thrown: { message: string; extensions: { code: string } }) => thrown,
  );
  return { code: error?.extensions.code, message: error?.message, ms: performance.now() - started };
}

describe('a call over HTTP', () => {
  test.each([{ errors: [] }, { errors: null }])('takes the data beside %j, which is no failure', async (beside) => {
    const { link, failures } = await serve((_, response) => json(response, { data: { a: 1 }, ...beside }));
    expect(await link.execute(query)).toMatchObject({ data: { a: 1 } });
    expect(await failures()).toBeUndefined();
  });

  test('passes on the headers and the time that is left, and wants nothing compressed', async () => {
    let got: IncomingMessage | undefined;
    const { link } = await serve((request, response) => {
      got = request;
      good(request, response);
    });
    const headers = { 'x-service-app': 'gateway', 'x-timeout-ms': '1', host: 'elsewhere', absent: undefined };
    expect(await link.execute({ ...query, headers, deadline: deadlineIn(3_000) })).toEqual({ data: { a: 1 } });
    const { 'x-timeout-ms': left, ...rest } = got?.headers ?? {};
    expect(rest).toEqual({ 'x-service-app': 'gateway', host: expect.stringMatching(/^127/), connection: 'keep-alive', 'content-type': 'application/json', accept: 'application/json', 'content-length': '17' }); // prettier-ignore
    expect(Number(left)).toBeGreaterThan(1_500);
    expect(Number(left)).toBeLessThan(3_000);
  });

  const rubbish: Record<string, Answer> = {
    'text that is not JSON': (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('<p>'), // prettier-ignore
    'JSON that is no result': (_, response) => json(response, { ok: true }),
    'a list': (_, response) => json(response, []),
    'data that is no object': (_, response) => json(response, { data: 'a' }),
    'neither data nor errors': (_, response) => json(response, { data: null, errors: [] }),
    'no data and no list of errors': (_, response) => json(response, { data: null, errors: null }),
    'errors that are no list': (_, response) => json(response, { data: { a: 1 }, errors: {} }),
    'a page of a proxy': (_, response) => void response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>'), // prettier-ignore
    'a 500': (_, response) => void response.writeHead(500).end(),
    'a result of the wrong content type': (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('{"data":{"a":1}}'), // prettier-ignore
    'a body that is cut off': (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).write('{"data":{"a"');
      setTimeout(() => response.destroy(), 20);
    },
    'a body without end': (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(maxAnswerBytes / 16, ' '), more);
      };
      more();
    },
  };
  test.each(Object.entries(rubbish))('that is answered with %s fails as "not now", and the next is served', async (_, answer) => {
    const { link, service, failures } = await serve(answer);
    expect((await failing(link)).code).toBe('SERVICE_UNAVAILABLE');
    expect(await failures()).toBe(1);
    service.answer = good;
    expect(await link.execute(query)).toEqual({ data: { a: 1 } });
  }); // prettier-ignore

  const silence: Record<string, Answer> = {
    nothing: () => undefined,
    'headers and then nothing': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders(),
    'a byte now and then': (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.once('close', () => clearInterval(timer));
    },
  }; // prettier-ignore
  test.each(Object.entries(silence))('that is answered with %s ends at its deadline, with its connection', async (_, answer) => {
    const { link, service } = await serve(answer);
    const { code, ms } = await failing(link, { ...query, deadline: deadlineIn(300) });
    expect(code).toBe('DEADLINE_EXCEEDED');
    expect(ms).toBeGreaterThan(290);
    expect(ms).toBeLessThan(2_000);
    expect(service.asked).toBe(1);
    await until(() => service.sockets.size === 0, { what: 'the end of the connection' });
  }); // prettier-ignore

  test('whose time is up is not sent', async () => {
    const { link, service } = await serve(good);
    expect((await failing(link, { ...query, deadline: deadlineIn(0) })).code).toBe('DEADLINE_EXCEEDED');
    expect(service.asked).toBe(0);
  });

  test('to something that does not speak HTTP fails as "not now"', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH_9.6\r\n'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => void server.close());
    expect((await failing(linkTo((server.address() as AddressInfo).port).link)).code).toBe('SERVICE_UNAVAILABLE');
  });

  test('is answered with GraphQL errors whatever the status', async () => {
    const errors = [{ message: 'no', extensions: { code: 'FORBIDDEN' } }];
    const { link } = await serve((_, response) => json(response, { errors }, 403));
    expect(await link.execute(query)).toEqual({ errors });
  });

  test('is refused at once when too many wait already', async () => {
    const { link } = await serve(() => undefined);
    const deadline = deadlineIn(1_500);
    const calls = Array.from({ length: 1_030 }, () => failing(link, { ...query, deadline }));
    const refused = (await Promise.all(calls)).filter(({ code }) => code === 'SERVICE_UNAVAILABLE');
    expect(refused).toHaveLength(6);
    for (const { ms, message } of refused) {
      expect(message).toContain('requests are waiting already');
      expect(ms).toBeLessThan(1_400);
    }
  });
});

describe('calls that have to wait for a connection', () => {
  const slowly: Answer = (request, response) => void setTimeout(() => good(request, response), 100);
  const of = (client: string): SubgraphRequest => ({ ...query, client: () => client });

  test('take turns by client: one of a client that asks for little is not behind all of one that asks for much', async () => {
    const { link } = await serve(slowly);
    let answered = 0;
    const greedy = Array.from({ length: 500 }, () => link.execute(of('greedy')).then(() => (answered += 1)));
    await link.execute(of('modest'));
    // 64 connections: those that were on their way, and as many that came to their turn with it.
    expect(answered).toBeLessThan(200);
    await Promise.all(greedy);
  });

  test('are refused when there are too many, those of the client with the most', async () => {
    const { link } = await serve(slowly);
    const greedy = Array.from({ length: 1_100 }, () => failingOrNot(link, of('greedy')));
    const modest = await Promise.all(Array.from({ length: 20 }, () => failingOrNot(link, of('modest'))));
    expect(modest.filter((code) => code !== undefined)).toEqual([]);
    expect((await Promise.all(greedy)).filter((code) => code === 'SERVICE_UNAVAILABLE')).toHaveLength(76 + 20);
  });

  const failingOrNot = (link: SubgraphLink, request: SubgraphRequest): Promise<string | undefined> =>
    link.execute(request).then(
      () => undefined,
      (error: { extensions: { code: string } }) => error.extensions.code,
    );
});

describe('a connection that breaks', () => {
  const breaksOnce = (): Answer => {
    let broken = false;
    return (request, response) => {
      if (broken) return good(request, response);
      broken = true;
      request.socket.resetAndDestroy();
      return undefined;
    };
  };

  test('lets a query be sent once more', async () => {
    const { link, service } = await serve(breaksOnce());
    expect(await link.execute(query)).toEqual({ data: { a: 1 } });
    expect(service.asked).toBe(2);
  });

  test('lets a query be sent twice at most', async () => {
    const { link, service } = await serve((request) => void request.socket.resetAndDestroy());
    expect((await failing(link)).code).toBe('SERVICE_UNAVAILABLE');
    expect(service.asked).toBe(2);
  });

  test('never lets a mutation be sent again: it may have been done', async () => {
    const { link, service } = await serve(breaksOnce());
    expect((await failing(link, mutation)).code).toBe('SERVICE_UNAVAILABLE');
    expect(service.asked).toBe(1);
  });
});

/** It says that it lives, and nothing else. */
const livesButWaits: Answer = (request, response) => {
  if (request.url === '/health/live') json(response, { status: 'live' });
};

describe('a service that stands still', () => {
  test.each([
    ['a query', query],
    ['a mutation', mutation],
  ])('costs %s 3 s, and the next one nothing', async (_, request) => {
    const { link, service, circuit } = await serve(() => undefined);
    const first = await failing(link, request);
    expect(first.code).toBe('SERVICE_UNAVAILABLE');
    expect(first.message).toContain('takes requests and answers none');
    expect(first.ms).toBeLessThan(5_000);
    expect(await circuit()).toBe(1);
    const asked = service.asked;
    expect((await failing(link, request)).code).toBe('SERVICE_UNAVAILABLE');
    expect(service.asked).toBe(asked);
  });

  test('is found out by calls one after the other that do not wait so long themselves', async () => {
    const { link, circuit } = await serve(() => undefined);
    const short = () => failing(link, { ...query, deadline: deadlineIn(1_200) });
    expect((await short()).code).toBe('DEADLINE_EXCEEDED');
    await until(async () => (await short()).code === 'SERVICE_UNAVAILABLE', { what: 'the circuit' });
    expect(await circuit()).toBe(1);
  });

  test('is told from one that takes its time', async () => {
    const { link } = await serve((request, response) => {
      if (request.url === '/health/live') json(response, { status: 'live' });
      else setTimeout(() => good(request, response), 4_000);
    });
    expect(await link.execute(mutation)).toEqual({ data: { a: 1 } });
  });

  test('is told from one whose answer comes piece by piece', async () => {
    const text = JSON.stringify({ data: { a: 1 } });
    const { link } = await serve((request, response) => {
      if (request.url === '/health/live') return undefined;
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length });
      for (const [place, letter] of text.split('').entries()) setTimeout(() => response.write(letter), place * 300);
      return undefined;
    });
    expect(await link.execute(mutation)).toEqual({ data: { a: 1 } });
  });
});

describe('the circuit', () => {
  /** Of a call that was not made. */
  const untried = expect.stringContaining('does not answer just now');
  const fail = async (link: SubgraphLink, times: number): Promise<void> => {
    for (let time = 0; time < times; time++) await failing(link);
  };

  test('opens when a service is away: calls fail at once, and work within 5 s after it is back', async () => {
    const { link, start, stop, port, circuit } = await serve(good);
    await stop();
    await fail(link, 5);
    expect(await circuit()).toBe(1);
    expect(await failing(link, mutation)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', message: untried });
    await start(port);
    const result = await until(() => link.execute(query).catch(() => null), { timeoutMs: 5_000, what: 'recovery' });
    expect(result).toEqual({ data: { a: 1 } });
    expect(await circuit()).toBe(0);
  });

  test('lets nothing through while it is open, then one call, and all when that was answered', async () => {
    const { link, service } = await serve((_, response) => void response.writeHead(503).end());
    await fail(link, 8);
    expect(service.asked).toBe(5);
    service.answer = good;
    await until(() => link.execute(query).catch(() => null), { timeoutMs: 5_000, what: 'recovery' });
    expect(service.asked).toBe(6);
    await Promise.all([1, 2, 3].map(() => link.execute(query)));
    expect(service.asked).toBe(9);
  });

  test('stays open for others while one call tries', async () => {
    const { link, service, circuit } = await serve((_, response) => void response.writeHead(503).end());
    await fail(link, 5);
    service.answer = livesButWaits;
    await sleep(1_050);
    const trial = failing(link);
    await until(() => service.asked === 6, { what: 'the trial' });
    expect(await circuit()).toBe(0.5);
    expect(await failing(link)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', message: untried });
    expect(service.asked).toBe(6);
    // It may take 3.5 s of the 10 s that its caller has.
    const { code, ms } = await trial;
    expect(code).toBe('DEADLINE_EXCEEDED');
    expect(ms).toBeLessThan(5_000);
    // It lives: what was asked takes longer.
    expect(await circuit()).toBe(0);
  });

  test('stays open when the call that tries was not given the time to tell', async () => {
    const { link, service, circuit } = await serve((_, response) => void response.writeHead(503).end());
    await fail(link, 5);
    service.answer = livesButWaits;
    await sleep(1_050);
    expect((await failing(link, { ...query, deadline: deadlineIn(300) })).code).toBe('DEADLINE_EXCEEDED');
    expect(await circuit()).toBe(1);
  });

  test('is not opened by calls that take their time, of a service that lives', async () => {
    const { link, service, circuit } = await serve(livesButWaits);
    const late = Array.from({ length: 8 }, () => failing(link, { ...query, deadline: deadlineIn(1_500) }));
    for (const { code } of await Promise.all(late)) expect(code).toBe('DEADLINE_EXCEEDED');
    expect(service.asked).toBeGreaterThanOrEqual(8);
    expect(await circuit()).toBeUndefined();
  });

  test('closes when the service is back and nobody asks it, and says so once', async () => {
    const { start, stop, port, link, circuit, lines } = await serve(good);
    await stop();
    await fail(link, 5);
    expect(await circuit()).toBe(1);
    await sleep(2_000);
    await start(port);
    await until(async () => (await circuit()) === 0, { timeoutMs: 5_000, what: 'recovery' });
    expect(lines().map(({ dependency, msg }) => `${dependency}: ${msg}`)).toEqual([
      'product: a dependency is away',
      'product: a dependency is back',
    ]);
  });

  test('stays open for a service that lives and answers nothing else, asked by one probe at a time', async () => {
    const { link, service, circuit } = await serve((_, response) => void response.writeHead(503).end());
    await fail(link, 5);
    service.answer = livesButWaits;
    await sleep(4_000);
    expect(await circuit()).toBe(1);
    expect(service.asked).toBeGreaterThan(5);
    expect(service.asked).toBeLessThanOrEqual(8);
  });

  const harmless: Record<string, Answer> = {
    'GraphQL errors': (_, response) => json(response, { errors: [{ message: 'no' }] }),
    'GraphQL errors with status 503': (_, response) => json(response, { errors: [{ message: 'no' }] }, 503),
    'requests that the service finds wrong': (_, response) => void response.writeHead(413).end('too large'),
  };
  test.each(Object.entries(harmless))('is not opened by %s', async (_, answer) => {
    const { link, service, circuit } = await serve(answer);
    for (let time = 0; time < 8; time++) await link.execute(query).catch(() => null);
    expect(service.asked).toBe(8);
    expect(await circuit()).toBeUndefined();
  });

  test('is not opened by callers that give no time', async () => {
    const { link, service, circuit } = await serve(() => undefined);
    await Promise.all(Array.from({ length: 8 }, () => failing(link, { ...query, deadline: deadlineIn(200) })));
    expect(service.asked).toBe(8);
    expect(await circuit()).toBeUndefined();
  });
});
