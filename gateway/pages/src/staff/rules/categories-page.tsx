import { type FormEvent, useState } from 'react';
import { useClient, useQuery } from 'urql';
import {
  CategoriesDocument,
  RemoveCategoryDocument,
  SaveCategoryDocument,
} from '../../../../../schema/generated/operations.ts';
import { toApiError } from '../../api.ts';
import { perform } from '../../client.ts';
import { type Category, stepsFrom } from '../../shop/categories.tsx';
import { Problem, Skeleton, useTitle } from '../../ui/parts.tsx';
import { SelectField, TextField } from '../../ui/text-field.tsx';
import { useDeed } from '../use-deed.ts';
import { RuleButtons, RuleList } from './rule-list.tsx';

const pathOf = (all: readonly Category[], { slug }: Category): string =>
  stepsFrom(all, slug)
    .path.map(({ name }) => name)
    .join(' › ');

/** The tree of the catalogue. */
export function CategoriesPage() {
  useTitle('Categories');
  const [{ data, error }, again] = useQuery({ query: CategoriesDocument, requestPolicy: 'cache-and-network' });
  const reload = () => again({ requestPolicy: 'network-only' });
  const all = data?.categories ?? [];
  return (
    <>
      <div className="page-head">
        <h1>Categories</h1>
      </div>
      {data === undefined && error !== undefined && (
        <Problem what="The categories can’t be shown." why={toApiError(error).message} onRetry={reload} />
      )}
      {data === undefined && error === undefined && (
        <Skeleton count={3} className="order-list" label="Loading the categories…" />
      )}
      {data !== undefined && (
        <div className="aside">
          <RuleList
            title="The catalogue"
            rules={all.toSorted((a, b) => pathOf(all, a).localeCompare(pathOf(all, b)))}
            add="Add a category"
            nameOf={({ name }) => name}
            about={(category) => (
              <p>
                <strong>{pathOf(all, category)}</strong> <code className="muted">{category.slug}</code>
              </p>
            )}
            form={(category, close) => <CategoryForm category={category} all={all} onSaved={reload} onClose={close} />}
          />
        </div>
      )}
    </>
  );
}

function CategoryForm({
  category,
  all,
  onSaved,
  onClose,
}: {
  category: Category | null;
  all: readonly Category[];
  onSaved: () => void;
  onClose: () => void;
}) {
  const client = useClient();
  const { busy, problem, once } = useDeed(onSaved);
  const [name, setName] = useState(category?.name ?? '');
  const [slug, setSlug] = useState(category?.slug ?? '');
  const [parentId, setParentId] = useState(category?.parent?.id ?? '');
  const close = (isDone: boolean) => {
    if (isDone) onClose();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const variables = { id: category?.id ?? null, name: name.trim(), slug: slug.trim(), parentId: parentId || null };
    void once('save-category', variables, 'The category is saved.', async (idempotencyKey) => {
      const answer = await perform(client, SaveCategoryDocument, { ...variables, idempotencyKey });
      return answer.saveCategory;
    }).then(close);
  };
  const remove = ({ id }: Category) =>
    once('remove-category', id, 'The category is removed.', async (idempotencyKey) => {
      const answer = await perform(client, RemoveCategoryDocument, { id, idempotencyKey });
      return answer.removeCategory;
    }).then(close);
  return (
    <form className="form" onSubmit={submit} aria-label={category?.name ?? 'A new category'}>
      <div className="fields">
        <TextField label="Name" required maxLength={200} value={name} onChange={setName} />
        <TextField label="Part of its address" required maxLength={64} value={slug} onChange={setSlug} />
        <SelectField
          label="Part of"
          value={parentId}
          choices={[
            ['', 'At the top'],
            ...all.filter(({ id }) => id !== category?.id).map((one) => [one.id, pathOf(all, one)] as const),
          ]}
          onChange={setParentId}
        />
      </div>
      {category !== null && (
        <button type="button" className="link" disabled={busy} onClick={() => void remove(category)}>
          Remove this category
        </button>
      )}
      <RuleButtons busy={busy} problem={problem} onClose={onClose} />
    </form>
  );
}
