import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import type * as AlipaySdkModule from 'alipay-sdk';

const { destroy } = Socket.prototype;
/**
 * Alipay's SDK. Its HTTP client replaces `Socket.prototype.destroy` for the whole process by one that throws where a second
 * socket is destroyed with the same error, as pools do whose server is gone: Node's own is put back. This can go when
 * https://github.com/node-modules/urllib/blob/master/src/diagnosticsChannel.ts does so no more.
 */
export const { AlipayRequestError, AlipaySdk } = createRequire(import.meta.url)('alipay-sdk') as typeof AlipaySdkModule;
Socket.prototype.destroy = destroy;
