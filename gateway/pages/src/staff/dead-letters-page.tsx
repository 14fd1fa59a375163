import { useQuery } from 'urql';
import { useSearchParams } from 'wouter';
import { DeadLettersDocument } from '../../../../schema/generated/operations.ts';
import { toApiError } from '../api.ts';
import { Chips } from '../ui/chips.tsx';
import { Empty, Problem, Skeleton, useTitle } from '../ui/parts.tsx';
import { DeadLetter } from './dead-letter.tsx';

const shownLetters = 50;

/** Events that a service could not handle: what they are, why they failed, and another try. */
export function DeadLettersPage() {
  useTitle('Dead letters');
  const [params, setParams] = useSearchParams();
  const replayed = params.get('show') === 'replayed';
  const [{ data, error }, reload] = useQuery({
    query: DeadLettersDocument,
    variables: { first: shownLetters, replayed },
    requestPolicy: 'cache-and-network',
  });
  const refresh = () => reload({ requestPolicy: 'network-only' });
  const lists =
    data === undefined
      ? []
      : [data.orderDeadLetters, data.paymentDeadLetters, data.productDeadLetters, data.userDeadLetters];
  const letters = lists
    .flatMap(({ edges }) => edges.map((edge) => edge.node))
    .toSorted((a, b) => b.failedAt.localeCompare(a.failedAt));
  return (
    <>
      <div className="page-head">
        <h1>Dead letters</h1>
        <Chips
          legend="Which letters"
          all="Waiting"
          value={replayed ? 'replayed' : ''}
          choices={[['replayed', 'Handled']]}
          onChange={(show) => setParams(show === '' ? {} : { show }, { replace: true })}
        />
      </div>
      {data === undefined && error !== undefined && (
        <Problem what="The letters can’t be shown." why={toApiError(error).message} onRetry={refresh} />
      )}
      {data === undefined && error === undefined && (
        <Skeleton count={3} className="order-list" label="Loading dead letters…" />
      )}
      {data !== undefined && letters.length === 0 && (
        <Empty title={replayed ? 'None was replayed yet' : 'Nothing waits here'}>
          <p className="muted">An event that a service fails to handle five times is kept here until you replay it.</p>
        </Empty>
      )}
      {lists.some(({ pageInfo }) => pageInfo.hasNextPage) && (
        <p className="notice wait">There are more: the newest {shownLetters} of each service are shown.</p>
      )}
      <ul className="order-list" aria-label="Dead letters">
        {letters.map((letter) => (
          <DeadLetter key={letter.service + letter.id} letter={letter} onReplayed={refresh} />
        ))}
      </ul>
    </>
  );
}
