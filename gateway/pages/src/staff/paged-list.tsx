import { type ReactNode, useState } from 'react';
import { type AnyVariables, type TypedDocumentNode, useQuery } from 'urql';
import { toApiError } from '../api.ts';
import { useReloadOn } from '../orders/use-reload-on.ts';
import { Empty, Problem, Skeleton } from '../ui/parts.tsx';

type Page<Node> = {
  readonly edges: readonly { readonly node: Node }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
};

type Props<Data, Variables extends AnyVariables, Node> = {
  document: TypedDocumentNode<Data, Variables>;
  /** What is asked for, without the page. */
  variables: Omit<Variables, 'after'>;
  /** The page in an answer; null where there is none. */
  pageOf: (data: Data) => Page<Node> | null;
  /** What is listed, in the plural, e.g. `products`. */
  what: string;
  empty: ReactNode;
  className?: string;
  row: (node: Node, reload: () => void) => ReactNode;
  /** Goes up when what is shown is old. */
  changes?: number;
};

/** A list that grows by a page at a time. Other variables make another list. */
export const PagedList = <Data, Variables extends AnyVariables, Node>(props: Props<Data, Variables, Node>) => (
  <Pages key={JSON.stringify(props.variables)} {...props} />
);

function Pages<Data, Variables extends AnyVariables, Node>(props: Props<Data, Variables, Node>) {
  const [starts, setStarts] = useState<readonly (string | null)[]>([null]);
  return starts.map((after) => (
    <Part
      key={after ?? ''}
      {...props}
      after={after}
      onMore={after === starts.at(-1) ? (next) => setStarts([...starts, next]) : null}
    />
  ));
}

function Part<Data, Variables extends AnyVariables, Node>({
  document,
  variables,
  pageOf,
  what,
  empty,
  className = 'rules',
  row,
  changes = 0,
  after,
  onMore,
}: Props<Data, Variables, Node> & { after: string | null; onMore: ((next: string) => void) | null }) {
  const [{ data, error }, again] = useQuery({
    query: document,
    variables: { ...variables, after } as unknown as Variables,
    requestPolicy: 'cache-and-network',
  });
  useReloadOn(changes, again);
  const reload = () => again({ requestPolicy: 'network-only' });
  if (data === undefined && error !== undefined) {
    return <Problem what={`The ${what} can’t be shown.`} why={toApiError(error).message} onRetry={reload} />;
  }
  if (data === undefined) return <Skeleton count={4} className="order-list" label={`Loading the ${what}…`} />;
  const page = pageOf(data);
  if (page === null || (page.edges.length === 0 && after === null)) return empty;
  const next = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
  return (
    <>
      <ul className={className} aria-label={what}>
        {page.edges.map(({ node }) => row(node, reload))}
      </ul>
      {next !== null && onMore !== null && (
        <p className="more">
          <button type="button" className="button quiet" onClick={() => onMore(next)}>
            Show more
          </button>
        </p>
      )}
    </>
  );
}

/** Nothing is in a list, and a word about when something will be. */
export const NothingHere = ({ title, text }: { title: string; text: string }) => (
  <Empty title={title}>
    <p className="muted">{text}</p>
  </Empty>
);
