import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { deadlineIn } from '../../../../subgraphs/shared/time/deadline.ts';
import { httpLink } from '../../../../subgraphs/shared/calls/http-link.ts';
import { TransportError } from '../../../../subgraphs/shared/http/transport.ts';
import { afterTest, answering, bodyOf, listening, request, serve, serveBytes, underTest } from './transport-world.ts';

const linkTo = (port: number) => httpLink('product', `http://127.0.0.1:${port}`, undefined, underTest());

/** Random numbers from 0 to 1, the same each time (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('nobody ever gets the answer of another', () => {
  const callers = 64;
  const callsEach = 60;

  test('from a server that delays, is late, closes, resets, and says so or not', async () => {
    const random = randomNumbers(1);
    const server = createServer(
      { keepAliveTimeout: 60_000 },
      answering(async (message, response) => {
        const body = await bodyOf(message);
        const chance = random();
        if (chance < 0.5) await sleep(random() * 10);
        else if (chance < 0.6) await sleep(100);
        if (chance > 0.96) return void message.socket.resetAndDestroy();
        if (chance > 0.92) return void message.socket.end();
        if (chance > 0.88) return void response.writeHead(200, { 'content-length': body.length + 1 }).write(body, () => message.socket.destroy()); // prettier-ignore
        if (chance > 0.84) response.setHeader('connection', 'close');
        if (chance > 0.7) response.write(body.subarray(0, 5));
        response.end(chance > 0.7 ? body.subarray(5) : body);
        if (chance > 0.8 && chance < 0.84) message.socket.end();
        return undefined;
      }),
    );
    const { transport } = await listening(server);
    const outcomes: Record<string, number> = {};
    async function call(id: string): Promise<void> {
      const body = `${id} ${'€'.repeat(random() < 0.1 ? 50_000 : random() * 50)}`;
      const deadline = deadlineIn(random() < 0.3 ? 50 : 5_000);
      let outcome = 'answered';
      try {
        const answer = await transport.send(request({ body, deadline }));
        if (answer.body !== body) outcome = `answered with ${answer.body.slice(0, 20)}`;
      } catch (error) {
        outcome = error instanceof TransportError ? error.failure : String(error);
      }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    await Promise.all(
      Array.from({ length: callers }, async (_, caller) => {
        for (let turn = 0; turn < callsEach; turn += 1) await call(`${caller}/${turn}`);
      }),
    );
    const { answered = 0, late = 0, 'cut-off': cutOff = 0, ...others } = outcomes;
    expect(others).toEqual({});
    expect(answered + late + cutOff).toBe(callers * callsEach);
    for (const count of [answered, late, cutOff]) expect(count).toBeGreaterThan(50);
  });

  test('whose caller has gone while it was on its way', async () => {
    const { transport, counts } = await serve(async (message, response) => {
      const body = await bodyOf(message);
      if (body.includes('slow')) await sleep(400);
      response.end(body);
    });
    await Promise.all(
      Array.from({ length: 64 }, async (_, id) => {
        const slow = transport.send(request({ body: `slow ${id}`, deadline: deadlineIn(20 + id) }));
        await expect(slow).rejects.toMatchObject({ failure: 'late' });
        for (let turn = 0; turn < 10; turn += 1) {
          const body = `${id}/${turn}`;
          expect((await transport.send(request({ body }))).body).toBe(body);
        }
      }),
    );
    expect(counts.opened).toBeGreaterThan(64);
  });

  test('even when one answer is sent twice', async () => {
    const { transport } = await serveBytes((socket, _, text) => {
      const id = text.slice(text.indexOf('\r\n\r\n') + 4);
      const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${id.length}\r\n\r\n${id}`;
      socket.write(id.endsWith('7') ? answer + answer : answer);
    });
    for (let id = 0; id < 100; id += 1) {
      const answer = transport.send(request({ body: String(id) }));
      // undici takes the first for good, and ends the connection then.
      if (id % 10 === 7 && underTest().name === 'own')
        await expect(answer).rejects.toMatchObject({ failure: 'rubbish' });
      else expect((await answer).body).toBe(String(id));
    }
  });
});

describe('a server that ends connections that have nothing to do', () => {
  const query = { query: '{ a }', headers: {}, isRepeatable: true };
  /** A service that answers with the number that was asked with, and a link to it. */
  async function service(keepAliveTimeout: number) {
    const server = createServer(
      { keepAliveTimeout, keepAliveTimeoutBuffer: 0 },
      answering(async (message, response) => {
        const { variables } = JSON.parse(String(await bodyOf(message))) as { variables: { id: number } };
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ data: { id: variables.id } }));
      }),
    );
    // Node would tell when it ends them.
    server.on('request', (_, response) => response.setHeader('keep-alive', 'timeout=60'));
    const { port, counts } = await listening(server);
    const link = linkTo(port);
    afterTest(() => link.close());
    return { server, link, counts };
  }

  test('exactly while requests go out costs no request that may be repeated', async () => {
    const random = randomNumbers(2);
    const { server, link, counts } = await service(60_000);
    for (let round = 0; round < 40; round += 1) {
      const ids = Array.from({ length: 16 }, (_, at) => round * 100 + at);
      const results = ids.map((id) => link.execute({ ...query, variables: { id } }));
      for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1) await new Promise((turn) => setImmediate(turn));
      server.closeIdleConnections();
      expect(await Promise.all(results)).toEqual(ids.map((id) => ({ data: { id } })));
    }
    expect(counts.opened).toBeGreaterThan(100);
  });

  test('after a while costs no request that may be repeated', async () => {
    const random = randomNumbers(3);
    const { link, counts } = await service(50);
    for (let round = 0; round < 30; round += 1) {
      const ids = Array.from({ length: 16 }, (_, at) => round * 100 + at);
      const results = await Promise.all(ids.map((id) => link.execute({ ...query, variables: { id } })));
      expect(results).toEqual(ids.map((id) => ({ data: { id } })));
      await sleep(44 + random() * 12);
    }
    expect(counts.opened).toBeGreaterThan(16);
  });

  test('all at once, as when it starts again, costs no request that may be repeated', async () => {
    const { server, link } = await service(60_000);
    const ask = (from: number) =>
      Promise.all(Array.from({ length: 64 }, (_, at) => link.execute({ ...query, variables: { id: from + at } })));
    for (let round = 0; round < 20; round += 1) {
      await ask(round * 100);
      server.closeAllConnections();
      expect(await ask(round * 100)).toEqual(Array.from({ length: 64 }, (_, at) => ({ data: { id: round * 100 + at } }))); // prettier-ignore
    }
  });

  const secondTimeReset = () => {
    const used = new WeakSet<Socket>();
    return serveBytes((socket, _, text) => {
      if (used.has(socket)) return void socket.resetAndDestroy();
      used.add(socket);
      const body = JSON.stringify({ data: JSON.parse(text.slice(text.indexOf('{'))).variables });
      return void socket.write(`HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`); // prettier-ignore
    });
  };
  test.each([2, 64])('exactly as they are used again, %d of them, costs no request that may be repeated', async (kept) => {
    const { port, counts } = await secondTimeReset();
    const link = linkTo(port);
    afterTest(() => link.close());
    const execute = (id: number) => link.execute({ ...query, variables: { id } });
    for (let opened = 0; opened < kept; opened = counts.opened)
      await Promise.allSettled(Array.from({ length: kept - opened }, () => execute(0)));
    for (let id = 1; id <= 5; id += 1) expect(await execute(id)).toEqual({ data: { id } });
    expect(counts.opened).toBeGreaterThan(kept);
  }); // prettier-ignore

  test('and says so with a 408 as the next request comes costs no request that may be repeated', async () => {
    const good = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 18\r\n\r\n{"data":{"id":1}} ';
    const late = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n';
    const { port } = await serveBytes((socket, turn) => (turn % 2 === 1 ? socket.end(late) : socket.write(good)));
    const link = linkTo(port);
    afterTest(() => link.close());
    expect(await link.execute(query)).toEqual({ data: { id: 1 } });
    await expect(link.execute({ ...query, isRepeatable: false })).rejects.toMatchObject({
      extensions: { code: 'SERVICE_UNAVAILABLE' },
    });
  });
});
