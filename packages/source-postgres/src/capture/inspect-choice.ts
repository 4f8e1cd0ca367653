import { closestName, errorCodes, tableName, parsePattern, patternOf, type CheckResult, type TableName } from '@weir/sdk';
import { configuredFor, type Capture } from './capture.ts';
import type { CatalogTable } from './catalog.ts';
import type { PostgresConfig } from '../config.ts';
import type { NamedRelation, RelationKind } from './relations.ts';
import { GENERATED_COLUMNS, LISTS_AND_FILTERS } from '../server-version.ts';
import type { UnmetPattern } from './table-choice.ts';

/** So many names are listed in one line. */
const MOST_NAMES = 20;

const KIND_FIXES: Record<RelationKind | 'partition', string> = {
  table: '',
  'partitioned table': '',
  view: 'Name the tables that it reads.',
  'materialized view': 'Name the tables that it reads.',
  'foreign table': 'Capture it at the server where it is stored.',
  sequence: 'Leave it out: a sequence has no rows.',
  'unlogged table': 'ALTER TABLE … SET LOGGED; or leave it out.',
  'temporary table': 'Leave it out: it ends with the session that made it.',
  'system table': 'Leave it out: the server does not publish its own tables.',
  partition: '',
};

/** What the patterns come to: names that nothing has, what cannot be captured, and what wildcards passed over. */
export function choiceResults(capture: Capture, config: PostgresConfig, resumed: boolean): CheckResult[] {
  const { choice, tables } = capture;
  const unmet = choice.unmet.map((pattern) => unmetResult(pattern, capture, resumed));
  const results = [...unmet, ...passedOverResults(capture)];
  const code = 'WEIR_PG_TABLES_NONE';
  if (tables.length > 0) results.push({ code, level: 'ok', message: `${tables.length} tables match` });
  else if (!unmet.some(({ level }) => level === 'error')) {
    const message = `no table matches ${config.tables.join(', ')}`;
    const level = resumed ? 'warning' : 'error';
    results.push({ code, level, message, fix: errorCodes[code].remedy, path: 'tables' });
  }
  return results;
}

/** A table that the checkpoint may know can have been dropped since, which is no mistake in the configuration. */
function unmetResult({ index, pattern, found }: UnmetPattern, capture: Capture, resumed: boolean): CheckResult {
  const path = `tables[${index}]`;
  if (found === null) {
    const message = `no table is called ${pattern.text}`;
    const fix = closestFix(pattern.exact!, tablesOf(capture), errorCodes.WEIR_PG_TABLE_UNKNOWN.remedy);
    return { code: 'WEIR_PG_TABLE_UNKNOWN', level: resumed ? 'warning' : 'error', message, fix, path };
  }
  const code = 'WEIR_PG_TABLE_KIND';
  const root = capture.relations.find(({ oid }) => oid === found.ancestors.at(-1));
  if (root !== undefined && found.kind !== 'foreign table' && found.kind !== 'unlogged table') {
    const message = `${pattern.text} is a partition of ${tableName(root)}, which is captured as one table`;
    return { code, level: 'error', message, fix: `Name ${patternOf(root)}, or set \`partitions: leaves\`.`, path };
  }
  const article = found.kind === 'unlogged table' ? 'an' : 'a';
  const message = `${pattern.text} is ${article} ${found.kind}, whose changes cannot be captured`;
  return { code, level: 'error', message, fix: KIND_FIXES[found.kind], path };
}

function passedOverResults({ choice, relations }: Capture): CheckResult[] {
  const { passedOver } = choice;
  if (passedOver.length === 0) return [];
  const describe = (relation: NamedRelation): string => {
    const root = relations.find(({ oid }) => oid === relation.ancestors.at(-1));
    if (root !== undefined) return `${tableName(relation)} (partition of ${tableName(root)})`;
    const kind = relation.kind === 'partitioned table' ? 'without partitions' : relation.kind;
    return `${tableName(relation)} (${kind})`;
  };
  // Nobody takes a view for a table; the others may be missed.
  const expected = passedOver.every(({ kind }) => kind.endsWith('view'));
  const message = `passed over: ${listed(passedOver.map(describe))}`;
  return [{ code: 'WEIR_PG_TABLE_KIND', level: expected ? 'ok' : 'warning', message }];
}

/** Whether what `columns` and `rows` say can be followed. */
export function namedTableResults(capture: Capture, config: PostgresConfig, resumed: boolean): CheckResult[] {
  return (['columns', 'rows'] as const).flatMap((path) => {
    const keys = Object.keys(config[path]);
    if (keys.length === 0) return [];
    if (capture.version < LISTS_AND_FILTERS) {
      const message = `\`${path}\` needs PostgreSQL 15 or later`;
      return [{ code: 'WEIR_PG_VERSION', level: 'error', message, fix: `Leave out \`${path}\`.`, path } as const];
    }
    const unknown = keys.flatMap((key) => unknownKey(key, path, capture, resumed));
    if (path === 'rows') return unknown;
    return [...unknown, ...capture.tables.flatMap((table) => columnResults(table, capture, config))];
  });
}

function unknownKey(key: string, path: 'columns' | 'rows', capture: Capture, resumed: boolean): CheckResult[] {
  const name = parsePattern(key).exact!;
  const captured = Array.from(capture.lines.values()).flat();
  if (captured.some((table) => isNamed(table, name))) return [];
  const level = resumed ? 'warning' : 'error';
  const code = 'WEIR_PG_TABLE_UNKNOWN';
  const exists = capture.relations.some((relation) => isNamed(relation, name));
  const message = exists
    ? `\`${path}\` names ${key}, which is not captured`
    : `\`${path}\` names ${key}, and no table is called so`;
  const fix = closestFix(name, exists ? [] : captured, `Leave it out of \`${path}\`, or add it to \`tables\`.`);
  return [{ code, level, message, fix, path }];
}

function columnResults(table: CatalogTable, capture: Capture, config: PostgresConfig): CheckResult[] {
  const wanted = configuredFor(config.columns, capture.lines.get(table.oid) ?? [table]) ?? [];
  const code = 'WEIR_PG_COLUMNS';
  return wanted.flatMap((column): CheckResult[] => {
    const generated = table.generated.find(({ name }) => name === column);
    if (generated !== undefined && (generated.kind === 'virtual' || capture.version < GENERATED_COLUMNS)) {
      const what = `column ${column} of ${tableName(table)} is generated (${generated.kind})`;
      const message = `${what}, which the server does not stream`;
      return [{ code, level: 'error', message, fix: 'Leave it out of `columns`.', path: 'columns' }];
    }
    if (table.allColumns.includes(column)) return [];
    const closest = closestName(column, table.allColumns);
    const fix = closest === null ? errorCodes[code].remedy : `Did you mean \`${closest}\`?`;
    return [{ code, level: 'error', message: `${tableName(table)} has no column ${column}`, fix, path: 'columns' }];
  });
}

function tablesOf({ relations }: Capture): NamedRelation[] {
  return relations.filter(({ kind }) => kind === 'table' || kind === 'partitioned table');
}

/** The table that was probably meant: of the same name in another schema, or of a similar one. */
function closestFix(wanted: TableName, candidates: readonly TableName[], otherwise: string): string {
  const elsewhere = candidates.find(({ name }) => name === wanted.name);
  const closest = elsewhere ? patternOf(elsewhere) : closestName(patternOf(wanted), candidates.map(patternOf));
  return closest === null ? otherwise : `Did you mean \`${closest}\`?`;
}

function isNamed(table: TableName, { namespace, name }: TableName): boolean {
  return table.namespace === namespace && table.name === name;
}

/** A list for people that does not get too long. */
export function listed(names: readonly string[], separator = ', '): string {
  const more = names.length - MOST_NAMES;
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(separator)} and ${more} more` : names.join(separator);
}
