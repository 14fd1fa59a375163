import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { addDays } from '../../../subgraphs/shared/values/local-date.ts';
import { idToBytes } from '../../../subgraphs/shared/values/ids.ts';
import { advanceOrders } from '../../../subgraphs/order/commands/advance-order.ts';
import type { StoredOrder } from '../../../subgraphs/order/stored-order.ts';
import { defineOrderType } from '../../../subgraphs/order/types/define-order-type.ts';
import type { Wait } from '../../../subgraphs/order/types/order-type.ts';
import { type OrderWorld, openOrderWorld, orderMutation, orderQuery, userViewer } from './order-world.ts';

/** What the hooks of the type below were called for, and what they are to do. */
const calls: { hook: string; id: string; state: string }[] = [];
const doings: Record<string, (order: StoredOrder) => Promise<unknown>> = {};
const called = (hook: string) => async (order: StoredOrder) => {
  calls.push({ hook, id: order.id, state: order.state });
  return doings[hook]?.(order);
};
const hooked = defineOrderType({
  code: 'HOOKED',
  name: 'Hooked',
  numberPrefix: 'HK',
  paymentWindowSeconds: 60,
  returnWindowDays: 7,
  needsFulfilment: (kind) => kind === 'STOCKED',
  mayAdvance: async (order) => (await called('mayAdvance')(order)) as Wait | null,
  deliver: async (order) => void (await called('deliver')(order)),
  deliveryLifeSeconds: 3_600,
  onFinish: async (order) => void (await called('onFinish')(order)),
  onAbnormal: async (order) => void (await called('onAbnormal')(order)),
});

let world: OrderWorld;
beforeAll(async () => {
  world = await openOrderWorld({ types: [hooked] });
});
afterEach(() => {
  world.clockOffsetMs = 0;
  calls.length = 0;
  for (const hook of Object.keys(doings)) delete doings[hook];
});
afterAll(async () => {
  expect(await world.close()).toEqual([]);
});

const buyer = userViewer();
const staff = userViewer('OPERATOR');
const read = async (id: string) => (await world.run(staff, orderQuery, { id })).data.order;
const hooksOf = (id: string) => calls.filter((call) => call.id === id).map(({ hook }) => hook);
const dueOf = async (id: string) => {
  const [row] = await world.rows('select advance_at, advance_attempts from orders where id = ?', [idToBytes(id)]);
  return { at: row?.['advance_at'] ?? null, attempts: Number(row?.['advance_attempts']) };
};
const advance = () => advanceOrders(world.deps);
const later = (seconds: number): void => {
  world.clockOffsetMs += seconds * 1_000;
};
async function paid(kind: 'DIGITAL' | 'STOCKED' = 'DIGITAL'): Promise<string> {
  const productId = await world.make(kind === 'DIGITAL' ? 0 : 5, { kind });
  const { id } = await world.place(buyer, { type: 'HOOKED', lines: [{ productId, quantity: 1 }] });
  await world.paymentEvent(world.succeeded(id));
  return id;
}
const change = async (name: string, declared: string, passed: string, variables: object) => {
  const { data, errors } = await world.run(staff, orderMutation(name, declared, passed), { ...variables });
  expect([errors, data[name].userErrors]).toEqual([[], []]);
  return data[name].order;
};
const failing = (message: string) => async () => {
  throw new Error(message);
};

describe('[ZO-1] the hooks of an order type', () => {
  test('come in the sequence of an order’s life, each once where nothing goes wrong', async () => {
    const id = await paid();
    await advance();
    expect(calls.filter((call) => call.id === id)).toEqual([
      { hook: 'mayAdvance', id, state: 'PAID' },
      { hook: 'deliver', id, state: 'PROCESSING' },
      { hook: 'onFinish', id, state: 'COMPLETED' },
    ]);
    expect(await dueOf(id)).toEqual({ at: null, attempts: 0 });
    await advance();
    expect(hooksOf(id)).toHaveLength(3);
  });

  test('mayAdvance holds a paid order back, which can be cancelled meanwhile; what it waits for stands in the journal', async () => {
    const id = await paid();
    doings['mayAdvance'] = async () => ({ reason: 'the counter is closed', until: new Date(world.runtime.now().getTime() + 60_000) }); // prettier-ignore
    await advance();
    expect(await read(id)).toMatchObject({ state: 'PAID', archivedActions: expect.arrayContaining(['CANCEL']) });
    expect((await read(id)).history.edges.at(-1).node).toMatchObject({ type: 'AdvancePostponed', data: { error: 'the counter is closed' } }); // prettier-ignore
    await advance();
    expect(hooksOf(id)).toEqual(['mayAdvance']);
    later(61);
    delete doings['mayAdvance'];
    await advance();
    expect(await read(id)).toMatchObject({ state: 'COMPLETED' });
    expect(hooksOf(id)).toEqual(['mayAdvance', 'mayAdvance', 'deliver', 'onFinish']);
  });

  test('mayAdvance that fails counts as a failed delivery, and one that waits longer than the life time needs attention', async () => {
    const id = await paid();
    doings['mayAdvance'] = failing('no line to the counter');
    await advance();
    expect(await read(id)).toMatchObject({ state: 'PAID' });
    expect(await dueOf(id)).toMatchObject({ attempts: 1 });
    later(3_601);
    await advance();
    expect(await read(id)).toMatchObject({ state: 'NEEDS_ATTENTION' });
    expect((await read(id)).history.edges.at(-1).node).toMatchObject({ reason: 'no line to the counter' });
  });

  test('onFinish follows whoever completes the order: staff who ship it, or who settle it', async () => {
    const shipped = await paid('STOCKED');
    await change('fulfilOrder', '$id: ID!, $key: String!', 'id: $id, idempotencyKey: $key', { id: shipped, key: shipped }); // prettier-ignore
    const settled = await paid();
    doings['deliver'] = failing('broken');
    later(3_601);
    await advance();
    await change('resolveAttention', '$id: ID!', 'id: $id, to: COMPLETED, note: "done by hand"', { id: settled });
    await advance();
    expect(hooksOf(shipped)).toEqual(['onFinish']);
    expect(hooksOf(settled)).toEqual(['mayAdvance', 'deliver', 'onAbnormal', 'onFinish']);
  });

  test('onAbnormal is called when an order needs attention, for each time, and not once staff have decided', async () => {
    const id = await paid();
    doings['deliver'] = failing('broken');
    later(3_601);
    await advance();
    expect(hooksOf(id)).toEqual(['mayAdvance', 'deliver', 'onAbnormal']);
    expect(await dueOf(id)).toMatchObject({ at: null });
    await change('resolveAttention', '$id: ID!', 'id: $id, to: PROCESSING, note: "again"', { id });
    doings['onAbnormal'] = failing('away');
    await advance();
    expect(hooksOf(id).filter((hook) => hook === 'onAbnormal')).toHaveLength(2);
    delete doings['deliver'];
    await change('resolveAttention', '$id: ID!', 'id: $id, to: PROCESSING, note: "again"', { id });
    await advance();
    expect(hooksOf(id).slice(-2)).toEqual(['deliver', 'onFinish']);
  });

  test('a process that dies in a hook, or before its end is noted, leaves it to be called again', async () => {
    const id = await paid();
    doings['onFinish'] = () => new Promise(() => undefined);
    void advance();
    while (!hooksOf(id).includes('onFinish')) await new Promise((resolve) => setTimeout(resolve, 5));
    // The process is gone: nobody has noted anything.
    expect(await read(id)).toMatchObject({ state: 'COMPLETED' });
    delete doings['onFinish'];
    await advance();
    expect(hooksOf(id).filter((hook) => hook === 'onFinish')).toHaveLength(2);
    expect(await dueOf(id)).toMatchObject({ at: null });
  });

  test('a hook that fails is called again with back-off, and given up with a note to staff', async () => {
    const id = await paid();
    doings['onFinish'] = failing('the mail server is away');
    await advance();
    expect(await dueOf(id)).toEqual({ at: expect.anything(), attempts: 1 });
    await advance(); // not due
    expect(hooksOf(id).filter((hook) => hook === 'onFinish')).toHaveLength(1);
    later(2);
    await advance();
    expect(await dueOf(id)).toMatchObject({ attempts: 2 });
    await world.rows('update orders set advance_attempts = 299 where id = ?', [idToBytes(id)]);
    later(10);
    await advance();
    expect(await dueOf(id)).toEqual({ at: null, attempts: 0 });
    expect((await read(id)).history.edges.at(-1).node).toMatchObject({
      type: 'NoteAdded',
      actorType: 'SYSTEM',
      data: { note: 'What order type HOOKED does when an order is COMPLETED failed 300 times: the mail server is away', public: false }, // prettier-ignore
    });
    await advance();
    expect(hooksOf(id).filter((hook) => hook === 'onFinish')).toHaveLength(3);
  });

  test('an order that is changed while its hook runs has it called once more', async () => {
    const id = await paid();
    doings['onFinish'] = async () => change('addOrderNote', '$id: ID!', 'id: $id, note: "meanwhile"', { id });
    await advance();
    expect(await dueOf(id)).toMatchObject({ at: expect.anything() });
    delete doings['onFinish'];
    await advance();
    expect(hooksOf(id).filter((hook) => hook === 'onFinish')).toHaveLength(2);
    expect(await dueOf(id)).toMatchObject({ at: null });
  });

  test('[ZO-8] advancing a finished order only repeats its finish hook', async () => {
    const id = await paid();
    await advance();
    const before = await read(id);
    expect(await change('advanceOrder', '$id: ID!', 'id: $id', { id })).toMatchObject({ state: 'COMPLETED' });
    expect(await read(id)).toEqual(before);
    expect(hooksOf(id)).toEqual(['mayAdvance', 'deliver', 'onFinish', 'onFinish']);
  });

  test('types without hooks leave nothing to be done after the end', async () => {
    const productId = await world.make(0, { kind: 'DIGITAL' });
    const { id } = await world.place(buyer, { type: 'DIGITAL', lines: [{ productId, quantity: 1 }] });
    await world.paymentEvent(world.succeeded(id));
    await advance();
    expect(await read(id)).toMatchObject({ state: 'COMPLETED' });
    expect(await dueOf(id)).toEqual({ at: null, attempts: 0 });
  });
});

describe('the settings of an order type', () => {
  test('are its own, or the platform’s', async () => {
    const { data } = await world.run(
      buyer,
      '{ orderTypes { code numberPrefix paymentWindowSeconds returnWindowDays } }',
    );
    const byCode = new Map(data.orderTypes.map((type: { code: string }) => [type.code, type]));
    expect(byCode.get('HOOKED')).toEqual({ code: 'HOOKED', numberPrefix: 'HK', paymentWindowSeconds: 60, returnWindowDays: 7 }); // prettier-ignore
    expect(byCode.get('STANDARD')).toMatchObject({ paymentWindowSeconds: 1_200, returnWindowDays: 30 });
    expect(byCode.get('BOOKING')).toMatchObject({ returnWindowDays: 0 });
    const { number, expiresAt } = (await world.place(buyer, { type: 'HOOKED' })) as { number: string; expiresAt?: string }; // prettier-ignore
    expect(number).toMatch(/^HK/);
    expect(Date.parse(String(expiresAt)) - world.runtime.now().getTime()).toBeLessThan(61_000);
  });
});

describe('[ZO-5] the extension of a STANDARD order', () => {
  const place = `mutation ($input: PlaceOrderInput!, $key: String!) { placeOrder(input: $input, idempotencyKey: $key) {
    order { id extension } userErrors { __typename ... on UserError { code message path } } } }`;
  const placing = async (extension: unknown) => {
    const input = { currency: 'EUR', lines: [{ productId: await world.make(), quantity: 1 }], extension };
    const { data, errors } = await world.run(buyer, place, { input, key: crypto.randomUUID() });
    expect(errors).toEqual([]);
    return data.placeOrder;
  };

  test('is kept with the order, and described by a JSON Schema', async () => {
    const extension = {
      giftMessage: 'Happy birthday 🎂\nyours, A.',
      wishDate: addDays(new Date().toISOString().slice(0, 10), 30),
    };
    const { order, userErrors } = await placing(extension);
    expect([order?.extension, userErrors]).toEqual([extension, []]);
    const { data } = await world.run(buyer, '{ orderTypes { code extensionSchema } }');
    const { extensionSchema } = data.orderTypes.find(({ code }: { code: string }) => code === 'STANDARD');
    expect(extensionSchema).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: { giftMessage: { type: 'string', maxLength: 500 }, wishDate: { type: 'string', format: 'date' } },
    });
    expect(extensionSchema.required ?? []).toEqual([]);
  });

  test.each([
    ['another field', { giftMesage: 'x' }, []],
    ['a message that is no text', { giftMessage: 5 }, ['giftMessage']],
    ['a message of nothing', { giftMessage: ' \u200b ' }, ['giftMessage']],
    ['a message of 501 characters', { giftMessage: 'x'.repeat(501) }, ['giftMessage']],
    ['a message with a control character', { giftMessage: 'a\u0007b' }, ['giftMessage']],
    ['a date that the calendar does not have', { wishDate: '2030-02-30' }, ['wishDate']],
    ['a date with a time', { wishDate: '2030-02-28T00:00:00Z' }, ['wishDate']],
    ['no object', 'gift', []],
    ['more than 8 KiB', { giftMessage: 'x'.repeat(8 * 1_024) }, []],
  ])('with %s is refused where it is wrong, and no order is placed', async (_, extension, path) => {
    const { order, userErrors } = await placing(extension);
    expect(order).toBeNull();
    expect(userErrors[0]).toMatchObject({ code: 'VALIDATION', path: ['input', 'extension', ...path] });
  });
});
