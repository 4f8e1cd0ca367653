import { parsePattern, type TablePattern } from '@weir/sdk';
import type { NamedRelation } from './relations.ts';

/** How the tables of a partitioned one are read. */
export type PartitionMode = 'root' | 'leaves';

/** What the patterns of a configuration come to in a database. */
export interface TableChoice {
  /** Read as tables of their own. */
  readonly chosen: readonly NamedRelation[];
  /** Matched by a wildcard and not readable, or a part of a table that was not chosen. */
  readonly passedOver: readonly NamedRelation[];
  /** A pattern without wildcard that chooses nothing. `found`: what has the name; null when nothing has. */
  readonly unmet: readonly UnmetPattern[];
}

export interface UnmetPattern {
  /** Index into the patterns. */
  readonly index: number;
  readonly pattern: TablePattern;
  readonly found: NamedRelation | null;
}

/**
 * @param published the tables as which a publication of others sends its rows, by oid; null for one of Weir's own
 */
export function chooseTables(
  relations: readonly NamedRelation[],
  patterns: readonly string[],
  mode: PartitionMode,
  published: ReadonlySet<number> | null,
): TableChoice {
  const parsed = patterns.map(parsePattern);
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const lineOf = (relation: NamedRelation): NamedRelation[] => [
    relation,
    ...relation.ancestors.map((oid) => byOid.get(oid)!).filter((ancestor) => ancestor !== undefined),
  ];
  const meets = (relation: NamedRelation, excludes: boolean): boolean =>
    parsed.some((pattern) => pattern.excludes === excludes && lineOf(relation).some((each) => pattern.matches(each)));
  const matched = relations.filter((relation) => meets(relation, false) && !meets(relation, true));
  const units = tableUnits(relations, mode, published);
  const chosen = matched.filter((relation) => units.has(relation.oid));
  const covered = new Set(chosen.flatMap((relation) => lineOf(relation).map(({ oid }) => oid)));
  const passedOver = matched.filter(
    (relation) => !covered.has(relation.oid) && !relation.ancestors.some((oid) => units.has(oid) && covered.has(oid)),
  );
  return {
    chosen,
    passedOver: passedOver.filter((relation) => isTold(relation, parsed)),
    unmet: unmetPatterns(relations, parsed, covered),
  };
}

/** Oids of what is read as one table: all tables, of a partitioned one its root, its leaves, or what is published of it. */
function tableUnits(
  relations: readonly NamedRelation[],
  mode: PartitionMode,
  published: ReadonlySet<number> | null,
): Set<number> {
  const readable = relations.filter(({ kind }) => kind === 'table' || kind === 'partitioned table');
  const publishedTrees = new Set<number>();
  for (const { oid, ancestors } of readable) {
    if (published?.has(oid) === true) publishedTrees.add(ancestors.at(-1) ?? oid);
  }
  const isUnit = ({ oid, kind, ancestors }: NamedRelation): boolean => {
    const tree = ancestors.at(-1) ?? oid;
    if (published !== null && publishedTrees.has(tree)) {
      if (published.has(oid)) return true;
      // What nobody publishes yet counts too, so that it is missed.
      return kind === 'table' && !ancestors.some((ancestor) => published.has(ancestor));
    }
    return mode === 'root' ? ancestors.length === 0 : kind === 'table';
  };
  return new Set(readable.filter(isUnit).map(({ oid }) => oid));
}

/** Nobody expects `*.*` to mean the system's tables or those of other sessions; sequences are no tables at all. */
function isTold(relation: NamedRelation, patterns: readonly TablePattern[]): boolean {
  if (['system table', 'temporary table', 'sequence'].includes(relation.kind)) return false;
  if (isEmptyRoot(relation)) return true;
  return !patterns.some(({ excludes, exact }) => !excludes && exact !== null && isNamed(relation, exact));
}

function unmetPatterns(
  relations: readonly NamedRelation[],
  patterns: readonly TablePattern[],
  covered: ReadonlySet<number>,
): UnmetPattern[] {
  return patterns.flatMap((pattern, index) => {
    const { exact } = pattern;
    if (exact === null || pattern.excludes) return [];
    const found = relations.find((relation) => isNamed(relation, exact)) ?? null;
    if (found !== null && (covered.has(found.oid) || isExcluded(found, patterns) || isEmptyRoot(found))) return [];
    return [{ index, pattern, found }];
  });
}

/** A partitioned table that is read by leaf is not chosen as long as it has none. */
function isEmptyRoot({ kind, ancestors }: NamedRelation): boolean {
  return kind === 'partitioned table' && ancestors.length === 0;
}

function isExcluded(relation: NamedRelation, patterns: readonly TablePattern[]): boolean {
  return patterns.some((pattern) => pattern.excludes && pattern.matches(relation));
}

function isNamed(relation: NamedRelation, { namespace, name }: { namespace: string; name: string }): boolean {
  return relation.namespace === namespace && relation.name === name;
}
