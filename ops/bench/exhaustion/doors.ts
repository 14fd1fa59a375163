import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExhaustionCase, attackerAddress, openAttacker, untilAborted } from './case.ts';

const metricsLines = 16;
export const metrics: ExhaustionCase = {
  name: 'metrics',
  what: `F45: ${metricsLines} lines read /metrics of the public port`,
  async attack({ url }, signal, count) {
    const attacker = openAttacker(url, metricsLines);
    await untilAborted(metricsLines, signal, count, async () => {
      const { status } = await attacker.send({ method: 'GET', path: '/metrics' });
      return status;
    });
    await attacker.close();
  },
};

const sockets = 20_000;
/** How many are opened at once. */
const opening = 100;
const upgradeRequest =
  'GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n';

export const silentSockets: ExhaustionCase = {
  name: 'silent-sockets',
  what: `F46: one address keeps up to ${sockets} sockets upgraded without connection_init, as fast as it can`,
  async attack({ url }, signal, count) {
    const { port } = new URL(url);
    const held = new Set<Socket>();
    const upgrade = async (): Promise<string> => {
      if (held.size >= sockets) await sleep(50);
      const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: attackerAddress });
      socket.on('error', () => undefined).once('close', () => held.delete(socket));
      try {
        await once(socket, 'connect', { signal });
        held.add(socket);
        socket.write(upgradeRequest);
        const [answer] = (await once(socket, 'data', { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) })) as [Buffer]; // prettier-ignore
        return answer.toString('latin1').split(' ')[1] ?? 'nothing';
      } catch (error) {
        socket.destroy();
        throw error;
      }
    };
    await untilAborted(opening, signal, count, upgrade);
    for (const socket of held) socket.destroy();
  },
};

const webhookLines = 64;
export const forgedWebhooks: ExhaustionCase = {
  name: 'forged-webhooks',
  what: `F53: ${webhookLines} lines send webhooks with forged signatures`,
  async attack({ url }, signal, count) {
    const attacker = openAttacker(url, webhookLines);
    const body = JSON.stringify({ id: 'evt_forged', type: 'payment_intent.succeeded', data: { padding: 'x'.repeat(4_000) } }); // prettier-ignore
    await untilAborted(webhookLines, signal, count, async () => {
      const signature = `t=${Math.floor(Date.now() / 1_000)},v1=${'0'.repeat(64)}`;
      const headers = { 'content-type': 'application/json', 'simulated-signature': signature };
      const { status } = await attacker.send({ method: 'POST', path: '/webhooks/simulated', headers, body });
      return status;
    });
    await attacker.close();
  },
};
