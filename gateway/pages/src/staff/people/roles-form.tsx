import { type FormEvent, useState } from 'react';
import { useClient } from 'urql';
import { type Role, SetRolesDocument } from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { Switch } from '../../ui/text-field.tsx';
import { Alert } from '../deed-button.tsx';
import { useDeed } from '../use-deed.ts';
import { roleWords } from './words.ts';

const allRoles = Object.keys(roleWords) as Role[];

export const RoleSwitches = ({
  roles,
  onChange,
}: {
  roles: readonly Role[];
  onChange: (roles: readonly Role[]) => void;
}) => (
  <fieldset className="switches">
    <legend className="small muted">Roles</legend>
    {allRoles.map((role) => (
      <Switch
        key={role}
        label={roleWords[role]}
        value={roles.includes(role)}
        onChange={(wanted) => onChange(allRoles.filter((one) => (one === role ? wanted : roles.includes(one))))}
      />
    ))}
  </fieldset>
);

/** What somebody may do. For administrators. */
export function RolesForm({ userId, roles, onDone }: { userId: string; roles: readonly Role[]; onDone: () => void }) {
  const client = useClient();
  const { busy, problem, once } = useDeed(onDone);
  const [wanted, setWanted] = useState(roles);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    const variables = { userId, roles: [...wanted] };
    void once(`roles-${userId}`, variables, 'The roles are set.', async (idempotencyKey) => {
      const answer = await perform(client, SetRolesDocument, { ...variables, idempotencyKey });
      return answer.setRoles;
    });
  };
  return (
    <form className="form" onSubmit={submit} aria-label="Roles">
      <RoleSwitches roles={wanted} onChange={setWanted} />
      <Alert problem={problem} />
      <p>
        <button className="button quiet" disabled={busy || wanted.length === 0}>
          Set the roles
        </button>
      </p>
    </form>
  );
}
