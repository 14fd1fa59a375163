import { useQuery } from 'urql';
import { Link } from 'wouter';
import { ReconciliationDocument, type ReconciliationQuery } from '../../../../../schema/generated/operations.ts';
import { toApiError } from '../../api.ts';
import { formatMoment, formatMoney } from '../../format.ts';
import { Empty, Loading, Problem, useTitle } from '../../ui/parts.tsx';
import { TextField } from '../../ui/text-field.tsx';
import { useSearch } from '../use-search.ts';

type Report = NonNullable<ReconciliationQuery['reconciliation']>;
/** As `ReconciliationReport.items` describes it. */
type Difference = {
  readonly kind: string;
  readonly movement: string;
  readonly provider: string;
  readonly providerTransactionId: string | null;
  readonly statement: { readonly amount: { amount: number; currency: string } } | null;
  readonly ours: { readonly number: string; readonly amount: { amount: number; currency: string } } | null;
};

const kinds: Readonly<Record<string, string>> = {
  MISSING_HERE: 'Only at the provider',
  MISSING_AT_PROVIDER: 'Only here',
  AMOUNT_MISMATCH: 'Different amounts',
};
const movements: Readonly<Record<string, string>> = {
  CHARGE: 'payment',
  REFUND: 'refund',
  DISPUTE: 'dispute',
  DISPUTE_REVERSED: 'dispute that was won',
};
const dayLength = 10;

/** A day of the providers' statements against the ledger. */
export function ReconciliationPage() {
  useTitle('Reconciliation');
  const [valueOf, set] = useSearch();
  const day = valueOf('day') || new Date().toISOString().slice(0, dayLength);
  const [{ data, error, fetching }, again] = useQuery({
    query: ReconciliationDocument,
    variables: { day },
    requestPolicy: 'network-only',
  });
  const isKnown = data !== undefined && !fetching;
  return (
    <>
      <div className="page-head">
        <h1>Reconciliation</h1>
      </div>
      <div className="card fields">
        <TextField
          label="Day"
          type="date"
          required
          value={day}
          onChange={(value) => value !== '' && set('day', value)}
        />
      </div>
      {fetching && <Loading text="Comparing the day…" />}
      {error !== undefined && !fetching && (
        <Problem
          what="The day can’t be compared."
          why={toApiError(error).message}
          onRetry={() => again({ requestPolicy: 'network-only' })}
        />
      )}
      {isKnown && data.reconciliation === null && error === undefined && (
        <Empty title="Never compared">
          <p className="muted">Days of the last week can be compared at any time, older ones were compared by a job.</p>
        </Empty>
      )}
      {isKnown && data.reconciliation !== null && <Compared report={data.reconciliation} />}
    </>
  );
}

const Compared = ({ report }: { report: Report }) => (
  <div className="aside sales">
    <section className="card" aria-label="In all">
      <dl className="figures">
        <div>
          <dt>Agree</dt>
          <dd>{report.matched}</dd>
        </div>
        <div>
          <dt>Only at the provider</dt>
          <dd>{report.missingHere}</dd>
        </div>
        <div>
          <dt>Only here</dt>
          <dd>{report.missingAtProvider}</dd>
        </div>
        <div>
          <dt>Different amounts</dt>
          <dd>{report.amountMismatch}</dd>
        </div>
      </dl>
      <p className="small muted">Compared {formatMoment(report.checkedAt)}.</p>
    </section>
    <ul className="rules" aria-label="Differences">
      {(report.items as readonly Difference[]).map((item) => (
        <li key={`${item.kind} ${item.movement} ${item.provider} ${item.providerTransactionId ?? item.ours?.number ?? ''}`} className="card">
          <p>
            <span className="badge bad">{kinds[item.kind] ?? item.kind}</span> A{' '}
            {movements[item.movement] ?? item.movement} of {item.provider}
          </p>
          <p className="small muted reason">
            {item.statement !== null && `Statement: ${formatMoney(item.statement.amount)}. `}
            {item.ours !== null && `Here: ${formatMoney(item.ours.amount)}, ${item.ours.number}. `}
            {item.providerTransactionId}
          </p>
        </li>
      ))}
    </ul>
    {report.items.length === 0 && (
      <p className="notice good">Statements and ledger agree on all of this day.</p>
    )}
    <p>
      <Link href="/staff/refunds?show=refused">Refunds that a provider refused</Link>
    </p>
  </div>
); // prettier-ignore
