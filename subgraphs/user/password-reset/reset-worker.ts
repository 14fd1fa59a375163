import { startLoop } from '../../shared/process/loop.ts';
import type { UserDeps } from '../dependencies.ts';
import { resetRequestedChannel } from './request-password-reset.ts';
import { sendResetCodes } from './send-reset-codes.ts';

/** Requests are told of by notices; this is the net under one that is lost. */
const everyMs = 5_000;

/** Sends the codes that are asked for, until it is stopped. */
export function startResetCodes(deps: UserDeps): { stop(): Promise<void> } {
  const loop = startLoop({ name: 'user: reset codes', everyMs, log: deps.log, turn: () => sendResetCodes(deps) });
  const stopListening = deps.live.listen(resetRequestedChannel, () => loop.kick());
  return {
    async stop() {
      stopListening();
      await loop.stop();
    },
  };
}
