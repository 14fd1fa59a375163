import { Link } from 'wouter';
import {
  type ListedUserFragment,
  type Role,
  StaffMembersDocument,
  UsersDocument,
} from '../../../../../schema/generated/operations.ts';
import { isAdmin } from '../../account/roles.ts';
import { formatDateTime } from '../../format.ts';
import { useSession } from '../../session.ts';
import { Chips } from '../../ui/chips.tsx';
import { useTitle } from '../../ui/parts.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { NothingHere, PagedList } from '../paged-list.tsx';
import { useSearch } from '../use-search.ts';
import { useOpening } from '../../ui/use-opening.ts';
import { InviteForm } from './invite-form.tsx';
import { roleWords, rolesText, userStatusWords } from './words.ts';

const pageSize = 25;
const longestSearch = 254;

const choices = [
  ['staff', 'Staff and merchants'],
  ['ADMIN', 'Administrators'],
  ['OPERATOR', 'Operators'],
  ['MERCHANT', 'Merchants'],
] as const;

const isRole = (text: string): text is Role => text in roleWords;

/** Everybody with an account. */
export function CustomersPage() {
  useTitle('Customers');
  const session = useSession();
  const [valueOf, set] = useSearch();
  const [query, show] = [valueOf('q'), valueOf('show')];
  const { isOpen: isInviting, open: invite, close, opener, opened } = useOpening();
  const list = { what: 'people', className: 'feed', row: (user: ListedUserFragment) => <UserRow key={user.id} user={user} />, empty: <NothingHere title="Nobody found" text="Nobody has a name or a number that begins so, or this e-mail address." /> }; // prettier-ignore
  return (
    <>
      <div className="page-head">
        <h1>Customers</h1>
        {session !== null && isAdmin(session.user) && !isInviting && (
          <button type="button" className="button quiet" ref={opener} onClick={invite}>
            Invite somebody
          </button>
        )}
      </div>
      {isInviting && (
        <div ref={opened}>
          <InviteForm onClose={close} />
        </div>
      )}
      <div className="feed-filters people">
        {show === '' && (
          <SearchField
            label="Beginning of a name or mobile number, or an e-mail address"
            maxLength={longestSearch}
            value={query}
            onChange={(text) => set('q', text)}
          />
        )}
        <Chips
          legend="Which people"
          all="Everybody"
          value={show}
          choices={choices}
          onChange={(value) => set('show', value)}
        />
      </div>
      {show === '' ? (
        <PagedList
          {...list}
          document={UsersDocument}
          variables={{ first: pageSize, ...(query.trim() === '' ? {} : { query: query.trim() }) }}
          pageOf={(data) => data.users}
        />
      ) : (
        <PagedList
          {...list}
          document={StaffMembersDocument}
          variables={{ first: pageSize, ...(isRole(show) ? { role: show } : {}) }}
          pageOf={(data) => data.staff}
        />
      )}
    </>
  );
}

const UserRow = ({ user }: { user: ListedUserFragment }) => {
  const [status, tone] = userStatusWords[user.status];
  return (
    <li className="person">
      <span className={`badge ${tone}`}>{status}</span>
      <div className="what">
        <p>
          <Link href={`/staff/customers/${user.id}`}>{user.name}</Link>
        </p>
        <p className="small muted">{[user.mobile, user.email].filter((text) => text !== null).join(' · ')}</p>
      </div>
      <span className="small muted">{rolesText(user.roles)}</span>
      <time className="small muted" dateTime={user.createdAt}>
        {formatDateTime(user.createdAt)}
      </time>
    </li>
  );
};
