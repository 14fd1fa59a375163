import { intentKey, settleIntent } from '../intents.ts';
import { announce } from '../ui/announcement.tsx';
import { type Action, useAction } from '../ui/use-action.ts';

type Refusal = { readonly code?: string; readonly message: string };
export type Answer = { readonly userErrors: readonly Refusal[] };

export type Deed = Action & {
  /**
   * Does one thing once, however often the button is pressed while the answer is lost. Resolves to whether it was done;
   * why it was not is in `problem`.
   */
  readonly once: (
    intent: string,
    input: unknown,
    done: string,
    send: (idempotencyKey: string) => Promise<Answer>,
  ) => Promise<boolean>;
};

/** Changes by staff. `onDone` is called after each answer, also a refusal: what is shown may be old. */
export function useDeed(onDone: () => Promise<void> | void): Deed {
  const action = useAction();
  const once: Deed['once'] = async (intent, input, done, send) => {
    let isDone = false;
    await action.run(async () => {
      const { userErrors } = await send(intentKey(intent, input));
      settleIntent(intent);
      await onDone();
      const [refusal] = userErrors;
      isDone = refusal === undefined;
      if (isDone) announce(done);
      return refusal?.message ?? null;
    });
    return isDone;
  };
  return { ...action, once };
}
