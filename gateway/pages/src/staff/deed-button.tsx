import { useState } from 'react';
import { Spinner } from '../ui/parts.tsx';
import { type Answer, useDeed } from './use-deed.ts';
import { WordsForm } from './order/words-form.tsx';

type Doing = {
  /** Names the intent: the same is done once, e.g. `capture-<id>`. */
  intent: string;
  press: string;
  /** What is announced when it is done. */
  done: string;
  onDone: () => Promise<void> | void;
};

/** A button that does one thing once. Below it stands why it was not done. */
export function DeedButton({
  intent,
  press,
  of,
  done,
  className = 'button quiet',
  sure,
  send,
  onDone,
}: Doing & {
  /** What the button is about, for those who don't see where it stands. */
  of?: string;
  className?: string;
  /** What cannot be taken back is asked for twice; this is the question. */
  sure?: string;
  send: (idempotencyKey: string) => Promise<Answer>;
}) {
  const { busy, problem, once } = useDeed(onDone);
  const [asking, setAsking] = useState(false);
  const act = () => {
    setAsking(false);
    void once(intent, intent, done, send);
  };
  return (
    <>
      {asking ? (
        <div className="notice wait">
          <p>{sure}</p>
          <div className="choices">
            <button type="button" className="button" disabled={busy} onClick={act}>
              {press}
            </button>
            <button type="button" className="button quiet" onClick={() => setAsking(false)}>
              No
            </button>
          </div>
        </div>
      ) : (
        <button
          type="button"
          className={className}
          disabled={busy}
          onClick={sure === undefined ? act : () => setAsking(true)}
        >
          {busy && <Spinner />}
          {press}
          {of !== undefined && <span className="hidden-visually"> {of}</span>}
        </button>
      )}
      <Alert problem={problem} />
    </>
  );
}

/** One text, e.g. a reason, that is sent once. */
export function DeedWords({
  intent,
  label,
  press,
  done,
  maxLength,
  send,
  onDone,
}: Doing & {
  label: string;
  maxLength: number;
  send: (words: string, idempotencyKey: string) => Promise<Answer>;
}) {
  const { busy, problem, once } = useDeed(onDone);
  return (
    <WordsForm
      label={label}
      press={press}
      busy={busy}
      maxLength={maxLength}
      onSubmit={(words) => once(intent, words, done, (idempotencyKey) => send(words, idempotencyKey))}
    >
      <Alert problem={problem} />
    </WordsForm>
  );
}

/** Why something was not done; there from the start, so that screen readers hear it. */
export const Alert = ({ problem }: { problem: string | null }) => (
  <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
);
