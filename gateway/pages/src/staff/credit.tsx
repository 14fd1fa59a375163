import { type FormEvent, useId, useState } from 'react';
import { useClient } from 'urql';
import { CreditWalletDocument } from '../../../../schema/generated/operations.ts';
import { minorDigits, minorFromDecimal } from '../../../../subgraphs/shared/values/currencies.ts';
import { perform } from '../client.ts';
import { formatMoney } from '../format.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { announce } from '../ui/announcement.tsx';
import { useAction } from '../ui/use-action.ts';
import { type Asked, SecondPerson, isApprovalRequired, useAsked } from './second-person.tsx';

const reason = 'Credit from the shop';

/** Gives a customer money to spend here. */
export function CreditForm({
  userId,
  name,
  currency,
  onCredited,
}: {
  userId: string;
  name: string;
  currency: string;
  onCredited?: () => void;
}) {
  const client = useClient();
  const { busy, problem, run } = useAction();
  const [typed, setTyped] = useState('');
  const [passedOn, setPassedOn] = useState<Asked | null>(null);
  const [asked, forget] = useAsked('credit');
  const id = useId();
  const smallest = (10 ** -minorDigits(currency)).toFixed(minorDigits(currency));

  const credit = (amount: number) =>
    run(async () => {
      const intent = `credit-${userId}`;
      const input = { userId, amount: { amount, currency }, reason };
      const key = asked?.key ?? intentKey(intent, input);
      setPassedOn(null);
      const answer = await perform(client, CreditWalletDocument, { ...input, idempotencyKey: key });
      const { userErrors, wallet } = answer.creditWallet;
      settleIntent(intent);
      if (asked === null && isApprovalRequired(userErrors[0])) {
        setPassedOn({ amount, key });
        return null;
      }
      if (userErrors[0] !== undefined) return userErrors[0].message;
      setTyped('');
      if (asked !== null) forget();
      if (wallet !== null) announce(`${name} has ${formatMoney(wallet.balance)} in the wallet now.`);
      onCredited?.();
      return null;
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const amount = minorFromDecimal(typed, currency);
    if (!busy && amount !== null) void credit(amount);
  };

  const why = <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>;
  if (asked !== null) {
    return (
      <div className="asked">
        <p>
          You were asked to agree to a credit of <strong>{formatMoney({ amount: asked.amount, currency })}</strong> to
          the wallet of {name}.
        </p>
        <div className="choices">
          <button type="button" className="button" disabled={busy} onClick={() => void credit(asked.amount)}>
            Agree
          </button>
          <button type="button" className="link" disabled={busy} onClick={forget}>
            No
          </button>
        </div>
        {why}
      </div>
    );
  }
  return (
    <form className="inline-form credit" onSubmit={submit}>
      <div className="field">
        <label htmlFor={id}>Credit to the wallet, {currency}</label>
        <input
          id={id}
          type="number"
          min={smallest}
          step={smallest}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
      <button className="button quiet" disabled={busy || typed === ''}>
        Credit
      </button>
      {passedOn !== null && <SecondPerson what="credit" asked={passedOn} />}
      {why}
    </form>
  );
}
