import type { TableName } from '@weir/sdk';
import type { AddedValue, Alteration } from './alteration.ts';
import type { Token } from './sql-tokens.ts';
import { TokenReader } from './token-reader.ts';

/** What the parts of an ALTER TABLE do. */
export interface AlterEffects {
  readonly alteration: Alteration;
  readonly to: TableName | null;
  readonly exchanges: readonly TableName[];
}

/** Words behind ADD and DROP that are no column's name unless they are quoted. */
const NO_COLUMN = ['index', 'key', 'fulltext', 'spatial', 'unique', 'primary', 'constraint', 'foreign', 'check', 'partition', 'vector'];

interface Collected {
  readonly drops: string[];
  readonly renames: { from: string; to: string }[];
  readonly adds: { column: string; value: AddedValue }[];
  readonly exchanges: TableName[];
  again: string | null;
  to: TableName | null;
}

/** @param specs the parts between the commas @param database of the table, for names without one */
export function alterationOf(specs: readonly (readonly Token[])[], database: string): AlterEffects {
  const effects: Collected = { drops: [], renames: [], adds: [], exchanges: [], again: null, to: null };
  for (const spec of specs) readSpec(new TokenReader(spec, database), effects);
  const { drops, renames, adds, again, to, exchanges } = effects;
  return { alteration: { drops, renames, adds, again }, to, exchanges };
}

function readSpec(reader: TokenReader, effects: Collected): void {
  switch (reader.takeOf('add', 'drop', 'change', 'rename', 'truncate', 'exchange', 'convert', 'discard', 'import')) {
    case 'add':
      return readAdd(reader, effects.adds);
    case 'drop':
      return readDrop(reader, effects);
    case 'change':
      return readChange(reader, effects);
    case 'rename':
      return readRename(reader, effects);
    case 'exchange':
    case 'convert':
      return readExchange(reader, effects);
    case 'truncate':
      effects.again = 'a partition was emptied';
      return;
    case 'discard':
    case 'import':
      effects.again = 'its tablespace was replaced';
      return;
    default:
    // Types, keys and options: what of them matters is beside the rows in the log.
  }
}

function readAdd(reader: TokenReader, adds: Collected['adds']): void {
  const isColumn = reader.takeOf('column') !== null;
  reader.takeWords('if', 'not', 'exists');
  if (reader.takeSymbol('(')) {
    for (const definition of listed(reader)) readAdd(new TokenReader(definition, ''), adds);
    return;
  }
  if (!isColumn && (isKeyword(reader, NO_COLUMN) || reader.sees('period', 'for') || reader.sees('system', 'versioning'))) return;
  const column = reader.name();
  if (column !== null) adds.push({ column, value: addedValue(reader) });
}

function readDrop(reader: TokenReader, effects: Collected): void {
  const isColumn = reader.takeOf('column') !== null;
  if (!isColumn && reader.sees('partition')) {
    effects.again = 'a partition was dropped';
    return;
  }
  reader.takeWords('if', 'exists');
  if (!isColumn && (isKeyword(reader, NO_COLUMN) || reader.sees('period', 'for') || reader.sees('system', 'versioning'))) return;
  const column = reader.name();
  if (column !== null) effects.drops.push(column);
}

function readChange(reader: TokenReader, { renames }: Collected): void {
  reader.takeOf('column');
  reader.takeWords('if', 'exists');
  addRename(reader.name(), reader.name(), renames);
}

function readRename(reader: TokenReader, effects: Collected): void {
  if (reader.takeOf('index', 'key') !== null) return;
  if (reader.takeOf('column') !== null) {
    reader.takeWords('if', 'exists');
    const from = reader.name();
    reader.takeOf('to');
    return addRename(from, reader.name(), effects.renames);
  }
  if (reader.takeOf('to', 'as') === null) reader.takeSymbol('=');
  effects.to = reader.table();
}

function addRename(from: string | null, to: string | null, renames: Collected['renames']): void {
  if (from !== null && to !== null && from !== to) renames.push({ from, to });
}

/** EXCHANGE PARTITION p WITH TABLE t; of MariaDB CONVERT PARTITION p TO TABLE t, CONVERT TABLE t TO PARTITION p. */
function readExchange(reader: TokenReader, effects: Collected): void {
  const what = reader.takeOf('partition', 'table');
  // CONVERT TO CHARACTER SET.
  if (what === null) return;
  effects.again = 'a partition was exchanged with a table';
  if (what === 'partition') {
    reader.name();
    if (reader.takeOf('with', 'to') !== null) reader.takeOf('table');
  }
  const table = reader.table();
  if (table !== null) effects.exchanges.push(table);
}

function isKeyword(reader: TokenReader, words: readonly string[]): boolean {
  return words.some((word) => reader.sees(word));
}

/** What stands in parentheses, between the commas. */
function listed(reader: TokenReader): Token[][] {
  const parts: Token[][] = [[]];
  let depth = 1;
  for (let token = reader.take(); token !== null; token = reader.take()) {
    if (token.kind === 'symbol' && token.text === '(') depth++;
    if (token.kind === 'symbol' && token.text === ')' && --depth === 0) break;
    if (depth === 1 && token.kind === 'symbol' && token.text === ',') parts.push([]);
    else parts.at(-1)!.push(token);
  }
  return parts;
}

/** Types whose columns get a value of their own where nothing is said. */
const SELF_FILLED = new Set(['serial', 'timestamp']);

/** Reads the definition of a column behind its name. */
function addedValue(reader: TokenReader): AddedValue {
  const type = reader.next?.text.toLowerCase() ?? '';
  let isNullable: boolean | null = null;
  for (let token = reader.take(); token !== null; token = reader.take()) {
    if (token.kind === 'symbol' && token.text === '(') listed(reader);
    if (token.kind !== 'word') continue;
    const word = token.text.toLowerCase();
    if (word === 'auto_increment') return { as: 'unknown' };
    // A generated column is left out, whatever it has.
    if (word === 'as' || word === 'generated') return { as: 'unknown' };
    if (word === 'not' && reader.takeOf('null') !== null) isNullable = false;
    else if (word === 'null') isNullable = true;
    else if (word === 'default') return defaultValue(reader);
    else if (word === 'comment') reader.take();
  }
  if (isNullable !== true && SELF_FILLED.has(type)) return { as: 'unknown' };
  return { as: isNullable === false ? 'implicit' : 'null' };
}

function defaultValue(reader: TokenReader): AddedValue {
  const sign = reader.takeSymbol('-') ? '-' : '';
  if (sign === '') reader.takeSymbol('+');
  const token = reader.take();
  if (token === null) return { as: 'unknown' };
  if (token.kind === 'number') return { as: 'literal', text: sign + token.text };
  if (token.kind === 'text' || token.kind === 'quoted') {
    let text = token.text;
    while (reader.next?.kind === 'text') text += reader.take()!.text;
    return { as: 'literal', text };
  }
  if (token.kind !== 'word') return { as: 'unknown' };
  const word = token.text.toLowerCase();
  if (word === 'null') return { as: 'null' };
  if (word === 'true') return { as: 'literal', text: '1' };
  if (word === 'false') return { as: 'literal', text: '0' };
  return { as: 'unknown' };
}
