import { Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { AlipaySdk } from '../../../../subgraphs/payment/providers/alipay-sdk.ts';

test("Alipay's SDK leaves the sockets of others alone: one error ends many of them", async () => {
  expect(AlipaySdk).toBeInstanceOf(Function);
  const gone = Object.freeze(new Error('the server is gone'));
  const ends = [new Socket(), new Socket()].map(async (socket) => {
    const told = new Promise((resolve) => socket.once('error', resolve));
    socket.destroy(gone);
    return told;
  });
  expect(await Promise.all(ends)).toEqual([gone, gone]);
});
