import type { TableName } from '@weir/sdk';
import { alterationOf } from './alter-specs.ts';
import type { Alteration } from './alteration.ts';
import { sqlTokens, type SqlModes, type Token } from './sql-tokens.ts';
import { TokenReader } from './token-reader.ts';

/** What a statement does to tables. */
export type Definition =
  | { readonly does: 'truncate'; readonly table: TableName }
  | {
      readonly does: 'create';
      readonly table: TableName;
      /** It does nothing where the table is there. */
      readonly ifMissing: boolean;
    }
  | { readonly does: 'drop'; readonly tables: readonly TableName[] }
  | { readonly does: 'rename'; readonly renames: readonly { readonly from: TableName; readonly to: TableName }[] }
  | { readonly does: 'drop database'; readonly database: string }
  | {
      readonly does: 'alter';
      readonly table: TableName;
      readonly alteration: Alteration;
      /** The table's new name; null when it keeps its own. */
      readonly to: TableName | null;
      /** Tables whose rows it takes or gives. */
      readonly exchanges: readonly TableName[];
    };

/**
 * What a statement of the log does to tables; null when it does nothing to any (CREATE VIEW, GRANT, ANALYZE, and whatever else
 * there is). Only what tells where rows and columns came from is read: types and keys are in the log beside the rows.
 * @param database for names without one
 */
export function readDefinition(text: string, database: string, modes: SqlModes): Definition | null {
  const tokens = sqlTokens(text, modes);
  if (tokens === null) return null;
  const reader = new TokenReader(tokens, database);
  switch (reader.takeOf('create', 'alter', 'drop', 'rename', 'truncate')) {
    case 'create':
      return readCreate(reader);
    case 'alter':
      return readAlter(reader);
    case 'drop':
      return readDrop(reader);
    case 'rename':
      return readRename(reader);
    case 'truncate': {
      reader.takeOf('table');
      const table = reader.table();
      return table === null ? null : { does: 'truncate', table };
    }
    default:
      return null;
  }
}

function readCreate(reader: TokenReader): Definition | null {
  if (reader.takeOf('or') !== null) reader.takeOf('replace');
  // A temporary table is in no log of rows.
  if (reader.takeOf('temporary') !== null || reader.takeOf('table') === null) return null;
  const ifMissing = reader.takeWords('if', 'not', 'exists');
  const table = reader.table();
  return table === null ? null : { does: 'create', table, ifMissing };
}

function readDrop(reader: TokenReader): Definition | null {
  if (reader.takeOf('temporary') !== null) return null;
  if (reader.takeOf('database', 'schema') !== null) {
    reader.takeWords('if', 'exists');
    const database = reader.name();
    return database === null ? null : { does: 'drop database', database };
  }
  if (reader.takeOf('table', 'tables') === null) return null;
  reader.takeWords('if', 'exists');
  const tables: TableName[] = [];
  do {
    const table = reader.table();
    if (table !== null) tables.push(table);
  } while (reader.takeSymbol(','));
  return { does: 'drop', tables };
}

function readRename(reader: TokenReader): Definition | null {
  if (reader.takeOf('table', 'tables') === null) return null;
  reader.takeWords('if', 'exists');
  const renames: { from: TableName; to: TableName }[] = [];
  do {
    const from = reader.table();
    skipWait(reader);
    reader.takeOf('to');
    const to = reader.table();
    if (from !== null && to !== null) renames.push({ from, to });
  } while (reader.takeSymbol(','));
  return { does: 'rename', renames };
}

/** MariaDB: WAIT n, NOWAIT. */
function skipWait(reader: TokenReader): void {
  if (reader.takeOf('wait') !== null) reader.take();
  else reader.takeOf('nowait');
}

function readAlter(reader: TokenReader): Definition | null {
  while (reader.takeOf('online', 'offline', 'ignore') !== null);
  if (reader.takeOf('table') === null) return null;
  reader.takeWords('if', 'exists');
  const table = reader.table();
  if (table === null) return null;
  skipWait(reader);
  const { alteration, to, exchanges } = alterationOf(specsOf(reader), table.namespace);
  return { does: 'alter', table, alteration, to, exchanges };
}

/** What is between the commas that stand in no parentheses. */
function specsOf(reader: TokenReader): Token[][] {
  const specs: Token[][] = [[]];
  let depth = 0;
  for (let token = reader.take(); token !== null; token = reader.take()) {
    if (token.kind === 'symbol' && token.text === '(') depth++;
    if (token.kind === 'symbol' && token.text === ')') depth--;
    if (depth === 0 && token.kind === 'symbol' && token.text === ',') specs.push([]);
    else specs.at(-1)!.push(token);
  }
  return specs;
}
