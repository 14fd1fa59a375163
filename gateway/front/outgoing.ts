/** Large answers that clients have not taken yet. */
export type Outgoing = {
  /**
   * Holds room for an answer. False when its client, or all clients together, leave too much lying: it is not to be sent
   * then. Else the function that gives the room back.
   */
  hold(client: string, bytes: number): (() => void) | false;
};

/** In answers of the largest size. */
const answersPerClient = 4;
const answersOfAll = 16;

/** Bounds the memory that clients can take by asking for large answers and not reading them. */
export function openOutgoing(options: { maxAnswerBytes: number }): Outgoing {
  const perClient = answersPerClient * options.maxAnswerBytes;
  const ofAll = answersOfAll * options.maxAnswerBytes;
  const held = new Map<string, number>();
  let all = 0;
  const change = (client: string, bytes: number): void => {
    const now = (held.get(client) ?? 0) + bytes;
    if (now > 0) held.set(client, now);
    else held.delete(client);
    all += bytes;
  };
  return {
    hold(client, bytes) {
      if (all + bytes > ofAll || (held.get(client) ?? 0) + bytes > perClient) return false;
      change(client, bytes);
      let isHeld = true;
      return () => {
        if (isHeld) change(client, -bytes);
        isHeld = false;
      };
    },
  };
}
