import { afterEach, describe, expect, test } from '@jest/globals';
import { expectCleanAudit } from '../support/expect-clean-audit.ts';
import { type Platform, type Shape, startPlatform } from '../support/platform.ts';
import { createProduct, logInAsAdmin, register, tryPlaceOrder } from '../support/shop.ts';

const clients = 12;

describe('SIGTERM under load', () => {
  let platform: Platform | undefined;
  afterEach(async () => {
    await platform?.stop();
  }, 60_000);

  test.each<[string, Shape]>([
    ['all in one process', 'one'],
    ['each service as a process of its own', 'split'],
  ])(
    'cuts no request that was accepted: %s',
    async (_, shape) => {
      platform = await startPlatform({ shape });
      const running = platform;
      const [staff, buyer] = await Promise.all([logInAsAdmin(running), register(running)]);
      const product = await createProduct(running, staff, { onHand: 100_000 });
      let stopping = false;
      const answers: string[] = [];
      const client = async (): Promise<void> => {
        while (!stopping) {
          try {
            const answer = await tryPlaceOrder(running, buyer, [{ productId: product.id, quantity: 1 }]);
            answers.push(answer.errors?.[0]?.extensions.code ?? answer.data?.placeOrder.order?.state ?? 'nothing');
          } catch (error) {
            // A connection refused, or a kept one closed before the request was read, is no request cut off.
            const code = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).message;
            answers.push(code);
            if (code === 'ECONNREFUSED') return;
          }
        }
      };
      const load = Promise.all(Array.from({ length: clients }, client));
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const exitCode = running.terminate();
      await load;
      stopping = true;
      expect(await exitCode).toBe(0);
      expect(answers.filter((answer) => answer === 'PENDING_PAYMENT').length).toBeGreaterThan(clients);
      expect(answers.filter((answer) => !['PENDING_PAYMENT', 'ECONNREFUSED'].includes(answer))).toEqual([]);

      await running.restart();
      await expectCleanAudit(running);
    },
    120_000,
  );
});
