import type { Begin, Relation, TableBinding } from '@weir/pgoutput';
import type { Commit, SchemaChange } from '@weir/sdk';

/** Who uses a change stream: what its transactions and tables become. All is called in the order of the stream. */
export interface StreamHost {
  /** A transaction starts. Null: it was delivered before; its rows are left out, uncounted. */
  begin(begin: Begin): Commit | null;
  /** What the rows of an announced table become; null: they are left out, uncounted. Called when the relation is known. */
  relation(relation: Relation): TableBinding | null;
  /** Whether what this R message announces is what rows are bound to already; synchronous, cheap. */
  knows(relation: Relation): boolean;
  /**
   * Called when `knows` said no, at the message's place in the stream (also inside a replay); decoding waits, the socket is
   * paused. The changes returned go in front of the rows that follow: the batch so far is closed before (in the middle of a
   * transaction without checkpoint), the next batch begins with the changes and has the open transaction's commit.
   */
  learn(relation: Relation): Promise<readonly SchemaChange[]>;
}
