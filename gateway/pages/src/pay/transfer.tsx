import { decimalOf, formatMoney } from '../format.ts';
import { t } from '../language/catalogue.ts';
import type { Payment } from '../types.ts';
import { announce } from '../ui/announcement.tsx';
import { textsOf } from './methods.ts';
import { lastAttempt } from './start-payment.ts';

/** Where to send the money, and how it is known when it arrives. */
export function TransferDetails({ payment }: { payment: Payment }) {
  const details = textsOf(lastAttempt(payment)?.clientParams);
  const { amount, currency } = payment.amount;
  const rows: readonly (readonly [name: string, text: string, copied: string])[] = [
    [t().pay.to, details['holder']],
    [t().pay.account, details['account']],
    [t().pay.bic, details['bic']],
    // A bank's form has the currency beside its field.
    [t().pay.amount, formatMoney(payment.amount), decimalOf(amount, currency)],
    [t().pay.reference, details['reference']],
  ].flatMap(([name, text, copied = text]) => (name && text && copied ? [[name, text, copied] as const] : []));
  return (
    <>
      <p className="notice wait">{t().pay.sendWithReference}</p>
      <dl className="transfer">
        {rows.map(([name, text, copied]) => (
          <div key={name}>
            <dt className="muted">{name}</dt>
            <dd className="number">{text}</dd>
            <dd>
              <button type="button" className="link" onClick={() => void copy(name, copied)}>
                {t().pay.copy}
                <span className="hidden-visually">{t().pay.copyOf(name)}</span>
              </button>
            </dd>
          </div>
        ))}
      </dl>
      <p className="small muted">{t().pay.transferTwice}</p>
    </>
  );
}

/** Where the clipboard can't be used, e.g. over plain http, the text is there to be marked. */
async function copy(name: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    announce(t().pay.copied(name));
  } catch {
    announce(t().pay.notCopied);
  }
}
