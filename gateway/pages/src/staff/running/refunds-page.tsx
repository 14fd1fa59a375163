import { useClient } from 'urql';
import { Link } from 'wouter';
import {
  ConfirmRefundDocument,
  DisputesDocument,
  type DisputesQuery,
  RefundsDocument,
  type RefundsQuery,
  RetryRefundDocument,
} from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { formatMoment, formatMoney } from '../../format.ts';
import { inWords } from '../../orders/order-state.tsx';
import { Chips } from '../../ui/chips.tsx';
import { useTitle } from '../../ui/parts.tsx';
import { DeedButton, DeedWords } from '../deed-button.tsx';
import { NothingHere, PagedList } from '../paged-list.tsx';
import { useSearch } from '../use-search.ts';

type Refund = RefundsQuery['refunds']['edges'][number]['node'];
type Dispute = DisputesQuery['disputes']['edges'][number]['node'];

const pageSize = 25;
const longestReference = 128;

/** Money that goes back: all of it, what a provider refused, and what banks take. */
export function RefundsPage() {
  useTitle('Refunds and disputes');
  const [valueOf, set] = useSearch();
  const show = valueOf('show');
  return (
    <>
      <div className="page-head">
        <h1>Refunds and disputes</h1>
        <Chips
          legend="Which of them"
          all="All refunds"
          value={show}
          choices={[
            ['refused', 'Refused by a provider'],
            ['disputes', 'Disputes'],
          ]}
          onChange={(value) => set('show', value)}
        />
      </div>
      {show === 'disputes' ? (
        <PagedList
          document={DisputesDocument}
          variables={{ first: pageSize }}
          pageOf={(data) => data.disputes}
          what="disputes"
          empty={<NothingHere title="No disputes" text="Money that a customer’s bank wants back is listed here." />}
          row={(dispute) => <DisputeRow key={dispute.id} dispute={dispute} />}
        />
      ) : (
        <PagedList
          document={RefundsDocument}
          variables={{ first: pageSize, ...(show === 'refused' ? { refused: true } : {}) }}
          pageOf={(data) => data.refunds}
          what="refunds"
          empty={<NothingHere title="No refunds" text="Money that goes back is listed here." />}
          row={(refund, reload) => <RefundRow key={refund.id} refund={refund} onDone={reload} />}
        />
      )}
    </>
  );
}

const refundTone: Readonly<Record<Refund['state'], string>> = {
  REQUESTED: 'wait',
  PENDING: 'wait',
  SUCCEEDED: 'good',
  FAILED: 'bad',
};

function RefundRow({ refund, onDone }: { refund: Refund; onDone: () => void }) {
  const client = useClient();
  const { id, payment } = refund;
  const isRefused = refund.refusals > 0 && refund.state !== 'SUCCEEDED';
  return (
    <li className="card form">
      <div className="card-head">
        <p>
          <span className={`badge ${refundTone[refund.state]}`}>{inWords(refund.state)}</span>{' '}
          <strong className="amount">{formatMoney(refund.amount)}</strong> of{' '}
          <Link href={`/staff/orders/${payment.order.id}`}>{payment.order.number}</Link>
        </p>
        <time className="small muted" dateTime={refund.createdAt}>
          {formatMoment(refund.createdAt)}
        </time>
      </div>
      <p className="small muted reason">
        <span className="number">{refund.number}</span>
        {refund.reason !== null && ` · ${refund.reason}`}
      </p>
      {isRefused && (
        <>
          <p className="problem small">
            Refused {refund.refusals === 1 ? 'once' : `${refund.refusals} times`}: {refund.failureMessage}
            {refund.nextTryAt !== null && ` Tried again ${formatMoment(refund.nextTryAt)}.`}
          </p>
          <div className="deeds">
            <DeedButton
              intent={`retry-refund-${id}`}
              press="Try it now"
              of={refund.number}
              done="It is tried again."
              onDone={onDone}
              send={async (idempotencyKey) =>
                (await perform(client, RetryRefundDocument, { refundId: id, idempotencyKey })).retryRefund
              }
            />
          </div>
          <DeedWords
            intent={`confirm-refund-${id}`}
            label="Given back by another way, e.g. the number of a transfer"
            press="Note it"
            done="It is noted as given back."
            maxLength={longestReference}
            onDone={onDone}
            send={async (reference, idempotencyKey) =>
              (await perform(client, ConfirmRefundDocument, { refundId: id, reference, idempotencyKey })).confirmRefund
            }
          />
        </>
      )}
    </li>
  );
}

const disputeWords: Readonly<Record<Dispute['state'], readonly [text: string, tone: string]>> = {
  OPEN: ['Open', 'wait'],
  WON: ['Won', 'good'],
  LOST: ['Lost', 'bad'],
};

const DisputeRow = ({ dispute }: { dispute: Dispute }) => {
  const [text, tone] = disputeWords[dispute.state];
  const { order } = dispute.payment;
  return (
    <li className="card">
      <div className="card-head">
        <p>
          <span className={`badge ${tone}`}>{text}</span>{' '}
          <strong className="amount">{formatMoney(dispute.amount)}</strong> of{' '}
          <Link href={`/staff/orders/${order.id}`}>{order.number}</Link>
        </p>
        <time className="small muted" dateTime={dispute.openedAt}>
          {formatMoment(dispute.openedAt)}
        </time>
      </div>
      <p className="small muted">
        {dispute.reason ?? 'No reason given'}
        {dispute.state === 'OPEN' &&
          dispute.evidenceDueBy !== null &&
          ` · evidence until ${formatMoment(dispute.evidenceDueBy)}, at the provider`}
        {dispute.closedAt !== null && ` · decided ${formatMoment(dispute.closedAt)}`}
      </p>
    </li>
  );
};
