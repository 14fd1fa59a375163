import { idToBytes } from '../values/ids.ts';
import { isDuplicateKey } from '../errors/errors.ts';
import type { Sql } from '../database/database.ts';
import { change, find } from '../database/tables.ts';
import { databaseNow, sharedBuilder } from './records.ts';

/** One step of a saga as its callee sees it. `branch` is the step's name, unique within the saga. */
export type Branch = { readonly sagaId: string; readonly branch: string };

/** `first`: do it. `repeated`: it was done before, give the same answer. `compensated`: refuse, its compensation came first. */
export type ActionTurn = 'first' | 'repeated' | 'compensated';
/** `first`: undo it. `repeated`: it was undone before. `nothing`: the action never committed, so there is nothing to undo. */
export type CompensationTurn = 'first' | 'repeated' | 'nothing';

type Op = 'action' | 'compensation';

async function insert(tx: Sql, branches: readonly Branch[], op: Op, by: Op): Promise<boolean> {
  try {
    const rows = branches.map(({ sagaId, branch }) => ({
      saga_id: idToBytes(sagaId),
      branch,
      op,
      inserted_by: by,
      created_at: databaseNow,
    }));
    await change(tx, sharedBuilder.insertInto('barrier').values(rows), 'any');
    return true;
  } catch (error) {
    // The server has taken back the whole statement, so none of its rows is there.
    if (isDuplicateKey(error)) return false;
    throw error;
  }
}

/**
 * The sub-transaction barrier (DTM; Helland's "null compensation" and "hanging action"): asked first thing in the
 * transaction that does the action. A row (saga, branch, op) is unique, so of two callers one waits for the other.
 * An action that several things can undo enters all their branches at once, in one statement: it is `first` only where
 * none was entered before, and `compensated` where any was.
 */
export async function enterAction(tx: Sql, ...branches: readonly [Branch, ...Branch[]]): Promise<ActionTurn> {
  if (await insert(tx, branches, 'action', 'action')) return 'first';
  const entered = await find(
    tx,
    sharedBuilder
      .selectFrom('barrier')
      .select('inserted_by')
      .where('op', '=', 'action')
      .where(({ eb, or }) =>
        or(branches.map(({ sagaId, branch }) => eb('saga_id', '=', idToBytes(sagaId)).and('branch', '=', branch))),
      ),
  );
  return entered.some((row) => row.inserted_by === 'compensation') ? 'compensated' : 'repeated';
}

/** Enters actions that nobody has entered before, in one statement; false where one was entered, and then none of them is. */
export const enterActions = (tx: Sql, branches: readonly Branch[]): Promise<boolean> =>
  insert(tx, branches, 'action', 'action');

/** Takes back what this transaction has entered: the actions were not done, and may come again. */
export async function leaveActions(tx: Sql, branches: readonly Branch[]): Promise<void> {
  if (branches.length === 0) return;
  const left = sharedBuilder.deleteFrom('barrier').where('op', '=', 'action');
  await change(
    tx,
    left.where(({ eb, or }) =>
      or(branches.map(({ sagaId, branch }) => eb('saga_id', '=', idToBytes(sagaId)).and('branch', '=', branch))),
    ),
    branches.length,
  );
}

/** As `enterAction`, for the compensation. Where the action never came it also takes the action's place, so that a late one is refused. */
export async function enterCompensation(tx: Sql, branch: Branch): Promise<CompensationTurn> {
  const nothing = await insert(tx, [branch], 'action', 'compensation');
  if (!(await insert(tx, [branch], 'compensation', 'compensation'))) return 'repeated';
  return nothing ? 'nothing' : 'first';
}
