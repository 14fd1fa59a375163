import { useQuery } from 'urql';
import { Link, useSearchParams } from 'wouter';
import { type ReturnState, ReturnsDocument } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { Chips } from '../ui/chips.tsx';
import { Empty, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { useState } from 'react';
import { StaffReturnRow } from './order/staff-return.tsx';

const pageSize = 20;
const groups: Readonly<Record<string, { label: string; states: ReturnState[] }>> = {
  decide: { label: 'To decide', states: ['REQUESTED'] },
  expect: { label: 'On their way', states: ['APPROVED'] },
  over: { label: 'Over', states: ['RECEIVED', 'REFUNDED', 'REJECTED', 'CANCELLED'] },
};

/** Returns of all orders, with the next step of each. */
export function ReturnsPage() {
  useTitle('Returns');
  const [params, setParams] = useSearchParams();
  const group = params.get('show') ?? '';
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  return (
    <>
      <div className="page-head">
        <h1>Returns</h1>
        <Chips
          legend="Which returns"
          value={group}
          choices={Object.entries(groups).map(([name, { label }]) => [name, label] as const)}
          onChange={(name) => {
            setStarts([null]);
            setParams(name === '' ? {} : { show: name }, { replace: true });
          }}
        />
      </div>
      {starts.map((after) => (
        <ReturnsPart
          key={`${group} ${after ?? ''}`}
          states={groups[group]?.states ?? null}
          after={after}
          onMore={after === starts.at(-1) ? (next) => setStarts([...starts, next]) : null}
        />
      ))}
    </>
  );
}

function ReturnsPart({
  states,
  after,
  onMore,
}: {
  states: ReturnState[] | null;
  after: string | null;
  onMore: ((next: string) => void) | null;
}) {
  const [{ data, error }, again] = useQuery({
    query: ReturnsDocument,
    variables: { first: pageSize, after, state: states },
    requestPolicy: 'cache-and-network',
  });
  const reload = () => again({ requestPolicy: 'network-only' });
  if (data === undefined && error !== undefined) {
    return <Problem what="The returns can’t be shown." why={toApiError(error).message} onRetry={reload} />;
  }
  if (data === undefined) return <Skeleton count={3} className="order-list" label="Loading the returns…" />;
  const { edges, pageInfo } = data.returns;
  if (edges.length === 0 && after === null) {
    return (
      <Empty title="No returns here">
        <p className="muted">What customers want to send back appears here.</p>
      </Empty>
    );
  }
  const next = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  return (
    <>
      <ul className="rules" aria-label="Returns">
        {edges.map(({ node }) => (
          <li key={node.id} className="card">
            {node.order !== null && (
              <p className="rule-head">
                <span>
                  <Link href={`/staff/orders/${node.order.id}`} className="number">
                    {node.order.number}
                  </Link>{' '}
                  <span className="muted small">{node.order.customer.name}</span>
                </span>
              </p>
            )}
            <StaffReturnRow one={node} onDone={reload} />
          </li>
        ))}
      </ul>
      {next !== null && onMore !== null && (
        <p className="more">
          <button type="button" className="button quiet" onClick={() => onMore(next)}>
            Show older returns
          </button>
        </p>
      )}
    </>
  );
}
