import { Link } from 'wouter';
import { AuditLogDocument, type AuditLogQuery } from '../../../../../schema/generated/operations.ts';
import { formatMoment } from '../../format.ts';
import { useTitle } from '../../ui/parts.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { NothingHere, PagedList } from '../paged-list.tsx';
import { useSearch } from '../use-search.ts';
import { TraceId } from '../trace-id.tsx';

type Entry = AuditLogQuery['auditLog']['edges'][number]['node'];

const pageSize = 25;
const longestAction = 64;

/** Where a thing has a page: `order:` and an id, and others. */
const pages: Readonly<Record<string, string>> = {
  order: '/staff/orders/',
  user: '/staff/customers/',
  product: '/staff/products/',
};

/** Who did what for the shop. For administrators. */
export function AuditLogPage() {
  useTitle('Audit log');
  const [valueOf, set] = useSearch();
  const [action, actorId] = [valueOf('action').trim(), valueOf('by')];
  return (
    <>
      <div className="page-head">
        <h1>Audit log</h1>
      </div>
      <div className="feed-filters people">
        <SearchField
          label="Exactly what was done, e.g. roles.set"
          maxLength={longestAction}
          value={action}
          onChange={(text) => set('action', text)}
        />
        {actorId !== '' && (
          <p>
            Of one person.{' '}
            <button type="button" className="link" onClick={() => set('by', '')}>
              Of everybody
            </button>
          </p>
        )}
      </div>
      <PagedList
        document={AuditLogDocument}
        variables={{
          first: pageSize,
          ...(action === '' ? {} : { action }),
          ...(actorId === '' ? {} : { actorId }),
        }}
        pageOf={(data) => data.auditLog}
        what="entries"
        className="rules"
        empty={<NothingHere title="Nothing" text="Nothing of this kind was done." />}
        row={(entry) => <EntryRow key={entry.id} entry={entry} onActor={(id) => set('by', id)} />}
      />
    </>
  );
}

function EntryRow({ entry, onActor }: { entry: Entry; onActor: (id: string) => void }) {
  const { actor, before, after } = entry;
  const [kind = '', id = ''] = entry.subject.split(':');
  const page = pages[kind];
  return (
    <li className="card letter entry">
      <div className="card-head">
        <p>
          <code>{entry.action}</code>{' '}
          <span className="muted">
            by{' '}
            {actor === null ? (
              'the platform'
            ) : (
              <button type="button" className="link" onClick={() => onActor(actor.id)}>
                {actor.name}
              </button>
            )}
          </span>
        </p>
        <time className="small muted" dateTime={entry.at}>
          {formatMoment(entry.at)}
        </time>
      </div>
      <p className="small reason">
        {page === undefined ? entry.subject : <Link href={`${page}${id}`}>{entry.subject}</Link>}
      </p>
      {(before !== null || after !== null || entry.traceId !== null) && (
        <details>
          <summary>
            What changed<span className="hidden-visually"> by {entry.action}</span>
          </summary>
          <pre tabIndex={0} role="region" aria-label={`Change ${entry.id}`}>
            {JSON.stringify({ before, after }, null, 2)}
          </pre>
          {entry.traceId !== null && (
            <p className="small muted reason">
              Trace <TraceId traceId={entry.traceId} />
            </p>
          )}
        </details>
      )}
    </li>
  );
}
