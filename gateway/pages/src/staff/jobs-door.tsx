import { useEffect, useState } from 'react';
import { fetchInTime } from '../api.ts';
import { freshToken } from '../session.ts';
import { Loading, useTitle } from '../ui/parts.tsx';

const sessionPath = '/jobs/session';
const jobsPath = '/jobs/';

/** Null when the way is open, or the sentence that says why not. */
async function openDoor(): Promise<string | null> {
  const token = await freshToken();
  if (token === null) return 'Your session has ended. Sign in again.';
  const { status } = await fetchInTime(sessionPath, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  return status === 204 ? null : `The page of jobs can't be opened at the moment (${status}). Try again.`;
}

/** Shows the session to the page of jobs, which is none of ours and can't ask for it, and goes there. */
export function JobsDoor() {
  useTitle('Jobs');
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    openDoor()
      .then((refusal) => (refusal === null ? location.replace(jobsPath) : setProblem(refusal)))
      .catch(() => setProblem('The server did not answer. Check your connection and try again.'));
  }, []);
  return problem === null ? <Loading text="Opening the jobs…" /> : <p className="notice bad">{problem}</p>;
}
