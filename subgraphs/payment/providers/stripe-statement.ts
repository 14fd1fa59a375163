import type { Stripe } from 'stripe';
import type { StatementLine } from './provider.ts';
import { fromStripeAmount } from './stripe-amounts.ts';
import { inOurWords } from './stripe-errors.ts';

const pageSize = 100;

/** What moved on the merchant's balance at Stripe, by its balance transactions; fees and payouts are no payments. */
export async function* stripeStatement(
  stripe: Stripe,
  { from, to }: { from: Date; to: Date },
): AsyncGenerator<StatementLine> {
  const created = { gte: Math.floor(from.getTime() / 1000), lt: Math.ceil(to.getTime() / 1000) };
  try {
    for await (const entry of stripe.balanceTransactions.list({ created, limit: pageSize, expand: ['data.source'] })) {
      const line = lineOf(entry);
      if (line && line.at >= from && line.at < to) yield line;
    }
  } catch (error) {
    throw inOurWords(error);
  }
}

/** The amount is the source's: the entry's own is in the currency of the balance, and says only which way the money went. */
function lineOf({ source, created, amount: moved }: Stripe.BalanceTransaction): StatementLine | null {
  if (source === null || typeof source === 'string') return null;
  const at = new Date(created * 1000);
  if (source.object === 'charge') {
    const intent = source.payment_intent;
    const amount = fromStripeAmount(source.amount_captured, source.currency);
    const providerTransactionId = (typeof intent === 'string' ? intent : intent?.id) ?? source.id;
    return { kind: 'charge', providerTransactionId, ourReference: source.metadata['attemptId'] ?? null, amount, at };
  }
  if (source.object === 'refund' && source.status !== 'failed') {
    const amount = fromStripeAmount(source.amount, source.currency);
    return { kind: 'refund', providerTransactionId: source.id, ourReference: source.metadata?.['refundId'] ?? null, amount, at }; // prettier-ignore
  }
  if (source.object === 'dispute') {
    const amount = fromStripeAmount(source.amount, source.currency);
    return {
      kind: moved < 0 ? 'dispute' : 'reversal',
      providerTransactionId: source.id,
      ourReference: null,
      amount,
      at,
    };
  }
  return null;
}
