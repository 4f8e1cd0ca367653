import type { CatalogTable, TableScope } from './catalog.ts';
import { GENERATED_COLUMNS } from '../server-version.ts';

/**
 * Why the server would not, or could not usefully, publish updates and deletes of a table. It refuses the *application's*
 * UPDATE and DELETE then, so such a table must not get into a publication that has them.
 */
export interface IdentityProblem {
  readonly kind:
    | 'missing'
    /** The identity has a generated column, which is not streamed. */
    | 'generated'
    /** The column list lacks columns of the identity; FULL allows no list at all. */
    | 'list'
    /** The row filter reads columns outside of the identity. */
    | 'filter';
  readonly columns: readonly string[];
}

/**
 * The rules are the server's (CheckCmdReplicaIdentity), and for a generated key one of ours: before PostgreSQL 18 the server
 * publishes such a table, without the column that is needed to find the row.
 * @param version `server_version_num`
 */
export function identityProblem(
  table: Pick<CatalogTable, 'allColumns' | 'generated' | 'identity' | 'replicaIdentity'>,
  scope: TableScope,
  version: number,
): IdentityProblem | null {
  const generated = table.generated.map(({ name }) => name);
  const published = scope.columns ?? table.allColumns.filter((name) => !generated.includes(name));
  const unpublished = (names: readonly string[]): string[] => names.filter((name) => !published.includes(name));
  if (table.replicaIdentity === 'f') {
    if (scope.listed) return { kind: 'list', columns: [] };
    const hidden = version >= GENERATED_COLUMNS ? unpublished(generated) : [];
    return hidden.length === 0 ? null : { kind: 'generated', columns: hidden };
  }
  if (table.identity === null || table.identity.length === 0) return { kind: 'missing', columns: [] };
  const lacking = unpublished(table.identity);
  const computed = lacking.filter((name) => generated.includes(name));
  if (computed.length > 0) return { kind: 'generated', columns: computed };
  if (lacking.length > 0) return { kind: 'list', columns: lacking };
  const outside = (scope.filterColumns ?? []).filter((name) => !table.identity!.includes(name));
  return outside.length === 0 ? null : { kind: 'filter', columns: outside };
}

/** Only inserts can be had of such a table; the other problems are of what was configured for it. */
export function hasNoIdentity(problem: IdentityProblem | null): boolean {
  return problem?.kind === 'missing' || problem?.kind === 'generated';
}
