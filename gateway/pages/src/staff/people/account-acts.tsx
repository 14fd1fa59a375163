import { useClient } from 'urql';
import { ReinstateUserDocument, SuspendUserDocument } from '../../../../../schema/generated/operations.ts';
import { perform } from '../../client.ts';
import { DeedButton, DeedWords } from '../deed-button.tsx';
import type { Customer } from './words.ts';

const longestReason = 1_024;

/** Keeps somebody out, or lets them in again. For administrators. */
export function AccountActs({ user, onDone }: { user: Customer; onDone: () => void }) {
  const client = useClient();
  if (user.status === 'SUSPENDED') {
    return (
      <div className="deeds">
        <DeedButton
          intent={`reinstate-${user.id}`}
          press="Let in again"
          of={user.name}
          done={`${user.name} may sign in again.`}
          onDone={onDone}
          send={async (idempotencyKey) =>
            (await perform(client, ReinstateUserDocument, { userId: user.id, idempotencyKey })).reinstateUser
          }
        />
      </div>
    );
  }
  return (
    <details>
      <summary>Keep {user.name} out</summary>
      <DeedWords
        intent={`suspend-${user.id}`}
        label="Why"
        press="Suspend"
        done={`${user.name} is signed out everywhere and can’t sign in.`}
        maxLength={longestReason}
        onDone={onDone}
        send={async (reason, idempotencyKey) =>
          (await perform(client, SuspendUserDocument, { userId: user.id, reason, idempotencyKey })).suspendUser
        }
      />
    </details>
  );
}
