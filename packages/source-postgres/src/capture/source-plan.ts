import { query, quoteLiteral } from '@weir/postgres';
import { tableName, parsePattern, type CapturePlan, type CopyMethod, type SourcePlan } from '@weir/sdk';
import type pg from 'pg';
import type { PostgresConfig } from '../config.ts';
import { planCopies } from '../copy/begin-copy.ts';
import type { Capture } from './capture.ts';
import type { CatalogTable } from './catalog.ts';
import { publishingProblem } from './inspect-publication.ts';
import { tableResults } from './inspect-tables.ts';
import { planPublications } from './publication.ts';
import type { NamedRelation, RelationKind } from './relations.ts';

const NEVER = '`snapshot.mode: never`: its rows are not copied, only changes from the start on';
const IN_SNAPSHOT = 'has no key that is copied in chunks, so it is read in one snapshot while the stream waits';
const INSERTS_ONLY = 'only its inserts and truncates are captured: the server cannot tell its rows apart';

/** What people would not call a table of theirs. */
const UNTOLD: readonly RelationKind[] = ['system table', 'temporary table', 'sequence'];

/** What a start would capture of a server, and what it would make there; changes nothing. @param slot its name */
export async function planSource(client: pg.Client, config: PostgresConfig, capture: Capture, slot: string): Promise<SourcePlan> {
  const { statements, added, removed } = await planPublications(client, capture);
  const hasSlot = (await query(client, 'SELECT FROM pg_replication_slots WHERE slot_name = $1', [slot])).length > 0;
  const role = (await query(client, 'SELECT current_user AS role'))[0]!['role']!;
  const { byKey } = await planCopies(client, capture.tables);
  const makeSlot = `SELECT pg_create_logical_replication_slot(${quoteLiteral(slot)}, 'pgoutput')`;
  const planOf = (table: CatalogTable): CapturePlan => {
    const copy = methodOf(config, byKey.includes(table));
    const { insertsOnly } = table.scope;
    const notes = [...(insertsOnly ? [INSERTS_ONLY] : []), ...(copy === 'snapshot' ? [IN_SNAPSHOT] : copy === 'none' ? [NEVER] : [])];
    const known = hasSlot && !added.has(table.oid);
    const problem =
      publishingProblem(table, capture, role) ?? tableResults({ ...capture, tables: [table] }, role).find(({ level }) => level === 'error');
    const note = notes.join('; ') || null;
    return { table: table.table, estimatedRows: table.estimatedRows, known, copy, note, problem: problem ?? null };
  };
  return {
    tables: capture.tables.map(planOf),
    removed,
    others: otherRelations(capture, config),
    changes: [...statements, ...(hasSlot ? [] : [makeSlot])].map((sql) => `${sql};`),
  };
}

function methodOf({ snapshot }: PostgresConfig, byKey: boolean): CopyMethod {
  if (snapshot.mode === 'never') return 'none';
  return byKey ? 'by-key' : 'snapshot';
}

function otherRelations({ relations, lines }: Capture, config: PostgresConfig): SourcePlan['others'] {
  const captured = new Set([...lines.values()].flat().map(({ oid }) => oid));
  const isPartOfCaptured = ({ oid, ancestors }: NamedRelation): boolean => captured.has(oid) || ancestors.some((one) => lines.has(one));
  const left = relations.filter((relation) => !UNTOLD.includes(relation.kind) && !isPartOfCaptured(relation));
  return left.map((relation) => ({ table: tableName(relation), why: whyNot(relation, config) }));
}

function whyNot(relation: NamedRelation, { tables }: PostgresConfig): string {
  const { kind, ancestors } = relation;
  if (kind !== 'table' && kind !== 'partitioned table') return `${kind === 'unlogged table' ? 'an' : 'a'} ${kind}: its changes are in no log`;
  const patterns = tables.map((text) => ({ text, pattern: parsePattern(text) }));
  const excluding = patterns.find(({ pattern }) => pattern.excludes && pattern.matches(relation));
  if (excluding !== undefined) return `left out by ${excluding.text}`;
  if (!patterns.some(({ pattern }) => pattern.matches(relation))) return 'no pattern of `tables` matches it';
  if (ancestors.length > 0) return 'a partition of a table that is not captured';
  return kind === 'partitioned table' ? 'a partitioned table without partitions' : 'the publication does not have it';
}
