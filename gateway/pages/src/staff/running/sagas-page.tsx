import { useClient } from 'urql';
import { Link } from 'wouter';
import { RetrySagaDocument, SagasDocument, type SagaState } from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { formatMoment } from '../../format.ts';
import { inWords } from '../../orders/order-state.tsx';
import { Chips } from '../../ui/chips.tsx';
import { useTitle } from '../../ui/parts.tsx';
import { DeedButton } from '../deed-button.tsx';
import { NothingHere, PagedList } from '../paged-list.tsx';
import { useSearch } from '../use-search.ts';

const pageSize = 25;

const words: Readonly<Record<SagaState, readonly [text: string, tone: string]>> = {
  STUCK: ['Stuck', 'bad'],
  RUNNING: ['Running', 'wait'],
  COMPENSATING: ['Being undone', 'wait'],
  COMPENSATED: ['Undone', ''],
  SUCCEEDED: ['Done', 'good'],
};
const states = Object.keys(words) as SagaState[];

/** Distributed transactions by how they stand, and another run for those that are stuck. */
export function SagasPage() {
  useTitle('Sagas');
  const client = useClient();
  const [valueOf, set] = useSearch();
  const shown = states.find((state) => state === valueOf('show'));
  return (
    <>
      <div className="page-head">
        <h1>Sagas</h1>
        <Chips
          legend="Which sagas"
          value={valueOf('show')}
          choices={states.map((state) => [state, words[state][0]] as const)}
          onChange={(value) => set('show', value)}
        />
      </div>
      <PagedList
        document={SagasDocument}
        variables={{ first: pageSize, ...(shown === undefined ? {} : { state: [shown] }) }}
        pageOf={({ sagas }) => ({
          edges: sagas.map((node) => ({ node })),
          // This list goes on after the id of its last saga.
          pageInfo: { hasNextPage: sagas.length === pageSize, endCursor: sagas.at(-1)?.id ?? null },
        })}
        what="sagas"
        empty={<NothingHere title="None" text="No saga stands so." />}
        row={(saga, reload) => (
          <li key={saga.id} className="card">
            <div className="card-head">
              <p>
                <span className={`badge ${words[saga.state][1]}`}>{words[saga.state][0]}</span> {inWords(saga.kind)}{' '}
                {saga.order !== null && (
                  <>
                    of <Link href={`/staff/orders/${saga.order.id}`}>{saga.order.number}</Link>
                  </>
                )}
              </p>
              <time className="small muted" dateTime={saga.createdAt}>
                {formatMoment(saga.createdAt)}
              </time>
            </div>
            <p className="small muted">
              {saga.attempts} {saga.attempts === 1 ? 'run' : 'runs'}
              {saga.nextRetryAt !== null && `, next ${formatMoment(saga.nextRetryAt)}`}
              {saga.finishedAt !== null && `, over ${formatMoment(saga.finishedAt)}`}
            </p>
            {saga.lastError !== null && <p className="problem small">{saga.lastError}</p>}
            {saga.state === 'STUCK' && (
              <DeedButton
                intent={`retry-saga-${saga.id}`}
                press="Run it again"
                done="It runs again."
                onDone={reload}
                send={async (idempotencyKey) =>
                  (await perform(client, RetrySagaDocument, { id: saga.id, idempotencyKey })).retrySaga
                }
              />
            )}
          </li>
        )}
      />
    </>
  );
}
