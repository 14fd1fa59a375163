import { type FormEvent, useId, useState } from 'react';
import { useClient } from 'urql';
import { CreditWalletDocument } from '../../../../schema/generated/operations.ts';
import { minorDigits, minorFromDecimal } from '../../../../subgraphs/shared/currencies.ts';
import { perform } from '../client.ts';
import { formatMoney } from '../format.ts';
import { intentKey, settleIntent } from '../intents.ts';
import { announce } from '../ui/announcement.tsx';
import { useAction } from '../ui/use-action.ts';

const reason = 'Credit from the shop';

/** Gives a customer money to spend here. */
export function CreditForm({ userId, name, currency }: { userId: string; name: string; currency: string }) {
  const client = useClient();
  const { busy, problem, run } = useAction();
  const [typed, setTyped] = useState('');
  const id = useId();
  const smallest = (10 ** -minorDigits(currency)).toFixed(minorDigits(currency));

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const amount = minorFromDecimal(typed, currency);
    if (busy || amount === null) return;
    void run(async () => {
      const intent = `credit-${userId}`;
      const input = { userId, amount: { amount, currency }, reason };
      const variables = { ...input, idempotencyKey: intentKey(intent, input) };
      const { userErrors, wallet } = (await perform(client, CreditWalletDocument, variables)).creditWallet;
      settleIntent(intent);
      if (userErrors[0] !== undefined) return userErrors[0].message;
      setTyped('');
      if (wallet !== null) announce(`${name} has ${formatMoney(wallet.balance)} in the wallet now.`);
      return null;
    });
  };

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
      <div role="alert">{problem !== null && <p className="notice bad">{problem}</p>}</div>
    </form>
  );
}
