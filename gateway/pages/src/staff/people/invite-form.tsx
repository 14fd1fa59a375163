import { type FormEvent, useId, useState } from 'react';
import { useClient } from 'urql';
import { Link } from 'wouter';
import { InviteUserDocument, type InviteUserMutation, type Role } from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { formatDateTime } from '../../format.ts';
import { TextField } from '../../ui/text-field.tsx';
import { RuleButtons } from '../rules/rule-list.tsx';
import { useDeed } from '../use-deed.ts';
import { RoleSwitches } from './roles-form.tsx';

type Invited = InviteUserMutation['inviteUser'];

/** Makes an account for somebody, who sets the password by a code that is shown once. */
export function InviteForm({ onClose }: { onClose: () => void }) {
  const client = useClient();
  const { busy, problem, once } = useDeed(() => undefined);
  const [entered, setEntered] = useState({ name: '', mobile: '', email: '' });
  const [roles, setRoles] = useState<readonly Role[]>(['OPERATOR']);
  const [invited, setInvited] = useState<Invited | null>(null);
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const email = entered.email.trim();
    const variables = { name: entered.name.trim(), mobile: entered.mobile.trim(), roles: [...roles], ...(email !== '' && { email }) }; // prettier-ignore
    void once('invite-user', variables, 'The invitation is made.', async (idempotencyKey) => {
      const answer = await perform(client, InviteUserDocument, { ...variables, idempotencyKey });
      if (answer.inviteUser.userErrors.length === 0) setInvited(answer.inviteUser);
      return answer.inviteUser;
    });
  };
  if (invited !== null) {
    return (
      <section className="card form" aria-label="The invitation">
        <p>
          <Link href={`/staff/customers/${invited.user?.id ?? ''}`}>{entered.name}</Link> has an account now. The code for
          the first password was sent{entered.email === '' ? ' to the number' : ' by mail'}.
        </p>
        {invited.code !== null && (
          <div className="field">
            <label htmlFor={id}>The code, shown this once, for where nothing sends</label>
            <input id={id} readOnly value={invited.code} onFocus={(event) => event.target.select()} />
          </div>
        )}
        {invited.expiresAt !== null && <p className="small muted">It ends {formatDateTime(invited.expiresAt)}.</p>}
        <p>
          <button type="button" className="button quiet" onClick={onClose}>
            Done
          </button>
        </p>
      </section>
    );
  }
  return (
    <section className="card">
      <form className="form" onSubmit={submit} aria-label="Invite somebody">
        <div className="fields">
          <TextField label="Name" required maxLength={64} value={entered.name} onChange={(name) => setEntered({ ...entered, name })} />
          <TextField label="Mobile number" required type="tel" maxLength={32} value={entered.mobile} onChange={(mobile) => setEntered({ ...entered, mobile })} />
          <TextField label="E-mail, if any" type="email" maxLength={254} value={entered.email} onChange={(email) => setEntered({ ...entered, email })} />
        </div>
        <RoleSwitches roles={roles} onChange={setRoles} />
        <RuleButtons busy={busy || roles.length === 0} problem={problem} press="Invite" onClose={onClose} />
      </form>
    </section>
  );
} // prettier-ignore
