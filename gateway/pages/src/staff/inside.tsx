import type { OrderInsideQuery, StepState } from '../../../../schema/generated/operations.ts';
import { Link } from 'wouter';
import { formatMoment, formatMoney } from '../format.ts';
import { inWords } from '../orders/order-state.tsx';
import { methodText } from '../orders/words.ts';
import { TraceId } from './trace-id.tsx';
import { CreditForm } from './credit.tsx';

export type Inside = NonNullable<OrderInsideQuery['order']>;
type Saga = NonNullable<Inside['saga']>;
type Step = Saga['steps'][number];

const stepTone: Readonly<Record<StepState, string>> = {
  PENDING: '',
  RUNNING: 'wait',
  DONE: 'good',
  SKIPPED: '',
  FAILED: 'bad',
};

/** Who bought, and the wallet to credit. */
export const Customer = ({ inside, currency }: { inside: Inside; currency: string }) => (
  <section className="card" aria-labelledby="customer-title">
    <h2 id="customer-title">Customer</h2>
    <dl className="facts">
      <div>
        <dt>Name</dt>
        <dd>
          <Link href={`/staff/customers/${inside.customer.id}`}>{inside.customer.name}</Link>
        </dd>
      </div>
      <div>
        <dt>Mobile</dt>
        <dd>{inside.customer.mobile ?? 'not known'}</dd>
      </div>
      {inside.clientReference !== null && (
        <div>
          <dt>Reference</dt>
          <dd>{inside.clientReference}</dd>
        </div>
      )}
      {inside.traceId !== null && (
        <div>
          <dt>Trace</dt>
          <dd>
            <TraceId traceId={inside.traceId} />
          </dd>
        </div>
      )}
    </dl>
    <CreditForm userId={inside.customer.id} name={inside.customer.name} currency={currency} />
  </section>
);

/** The distributed transaction that placed the order. */
export const SagaSteps = ({ saga }: { saga: Saga | null }) => (
  <section className="card" aria-labelledby="saga-title">
    <div className="card-head">
      <h2 id="saga-title">Saga</h2>
      {saga !== null && <span className="muted small">{inWords(saga.state)}</span>}
    </div>
    {saga === null ? (
      <p className="muted">This order was placed without one.</p>
    ) : (
      <>
        <p className="small muted">
          {inWords(saga.kind)}, {saga.attempts} {saga.attempts === 1 ? 'run' : 'runs'}
          {saga.nextRetryAt !== null && `, next ${formatMoment(saga.nextRetryAt)}`}
        </p>
        {saga.lastError !== null && <p className="notice bad small">{saga.lastError}</p>}
        <ol className="steps">
          {saga.steps.map((step) => (
            <SagaStep key={step.branchId} step={step} />
          ))}
        </ol>
      </>
    )}
  </section>
);

const SagaStep = ({ step }: { step: Step }) => (
  <li>
    <div>
      <p>
        <strong>{inWords(step.action)}</strong> <span className="muted">in {step.service}</span>
      </p>
      <p className="small muted">
        {step.finishedAt !== null && `${formatMoment(step.finishedAt)} · `}
        {step.attempts} {step.attempts === 1 ? 'try' : 'tries'}
        {step.compensationState !== 'PENDING' &&
          step.compensationState !== 'SKIPPED' &&
          ` · undoing: ${inWords(step.compensationState).toLowerCase()}`}
      </p>
      {step.lastError !== null && <p className="small problem">{step.lastError}</p>}
    </div>
    <span className={`badge ${stepTone[step.actionState]}`}>{inWords(step.actionState)}</span>
  </li>
);

type Refund = Inside['payments'][number]['refunds'][number];

/** By whom money was given back. */
function givenBack({ origin }: Refund): string {
  if (origin === 'DISPUTE') return 'Taken by the customer’s bank';
  return origin === 'PROVIDER' ? 'Given back at the provider' : 'Given back';
}

/** Each payment with each try to pay it, disputes, and what went back. */
export const Payments = ({ payments }: { payments: Inside['payments'] }) => (
  <section className="card" aria-labelledby="payments-title">
    <h2 id="payments-title">Payments</h2>
    {payments.length === 0 && <p className="muted">Nobody has tried to pay yet.</p>}
    {payments.map((payment) => (
      <div key={payment.id} className="payment">
        <div className="card-head">
          <p>
            <span className="number">{payment.number}</span>
            <span className="small muted">
              {' '}
              {methodText(payment.method)}, {formatMoney(payment.captured)} taken
              {payment.refunded.amount > 0 && `, ${formatMoney(payment.refunded)} given back`}
            </span>
          </p>
          <span className="muted small">{inWords(payment.state)}</span>
        </div>
        <ol className="steps">
          {payment.attempts.map((attempt) => (
            <li key={attempt.id}>
              <div>
                <p>
                  Try <span className="number">{attempt.number}</span>
                </p>
                <p className="small muted">
                  {formatMoment(attempt.createdAt)} · {attempt.provider}
                </p>
                {attempt.failureMessage !== null && <p className="small problem">{attempt.failureMessage}</p>}
              </div>
              <span
                className={`badge ${attempt.state === 'SUCCEEDED' ? 'good' : attempt.state === 'FAILED' ? 'bad' : ''}`}
              >
                {inWords(attempt.state)}
              </span>
            </li>
          ))}
          {payment.disputes.map((dispute) => (
            <li key={dispute.id}>
              <div>
                <p>Disputed at the bank: {formatMoney(dispute.amount)}</p>
                <p className="small muted">
                  {dispute.reason ?? 'no reason given'} · {formatMoment(dispute.openedAt)}
                  {dispute.state === 'OPEN' &&
                    dispute.evidenceDueBy !== null &&
                    ` · evidence until ${formatMoment(dispute.evidenceDueBy)}`}
                </p>
              </div>
              <span className={`badge ${dispute.state === 'WON' ? 'good' : dispute.state === 'LOST' ? 'bad' : 'wait'}`}>
                {inWords(dispute.state)}
              </span>
            </li>
          ))}
          {payment.refunds.map((refund) => (
            <li key={refund.id}>
              <div>
                <p>
                  {givenBack(refund)}: {formatMoney(refund.amount)}
                </p>
                <p className="small muted">{refund.reason ?? refund.number}</p>
              </div>
              <span
                className={`badge ${refund.state === 'SUCCEEDED' ? 'good' : refund.state === 'FAILED' ? 'bad' : 'wait'}`}
              >
                {inWords(refund.state)}
              </span>
            </li>
          ))}
        </ol>
      </div>
    ))}
  </section>
);
