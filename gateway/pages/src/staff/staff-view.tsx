import type { SignedInUser } from '../session.ts';
export const StaffView = ({ user }: { user: SignedInUser }) => <p>{user.name}</p>;
