import type { Change, ShapeStatement } from './source-driver.ts';

/** How a database writes names and texts. */
export interface Quoting {
  name(name: string): string;
  text(text: string): string;
}

/** As the standard of SQL has it. */
export const standardQuoting: Quoting = {
  name: (name) => `"${name.replaceAll('"', '""')}"`,
  text: (text) => `'${text.replaceAll("'", "''")}'`,
};

/** What a change of the contract is in SQL, so that a driver of such a database says only how a statement is run. */
export function itemsStatement(change: Change | ShapeStatement, quoting: Quoting = standardQuoting): string {
  switch (change.op) {
    case 'insert':
      return insert(change.id, { label: change.label, large: change.large ?? null }, quoting);
    case 'insertRow':
      return insert(change.id, change.values, quoting);
    case 'update': {
      const { op: _, id, ...values } = change;
      return update(id, values, quoting);
    }
    case 'updateRow':
      return update(change.id, change.values, quoting);
    case 'changeKey':
      return `UPDATE items SET id = ${change.to} WHERE id = ${change.id}`;
    case 'delete':
      return `DELETE FROM items WHERE id = ${change.id}`;
    case 'truncate':
      return 'TRUNCATE TABLE items';
    case 'addColumn': {
      const value = change.value === null ? '' : ` DEFAULT ${quoting.text(change.value)}`;
      return `ALTER TABLE items ADD COLUMN ${quoting.name(change.column)} text${value}`;
    }
    case 'dropColumn':
      return `ALTER TABLE items DROP COLUMN ${quoting.name(change.column)}`;
    case 'renameColumn':
      return `ALTER TABLE items RENAME COLUMN ${quoting.name(change.from)} TO ${quoting.name(change.column)}`;
  }
}

type Values = Readonly<Record<string, string | null | undefined>>;

function insert(id: number, values: Values, quoting: Quoting): string {
  const names = ['id', ...Object.keys(values)].map((name) => quoting.name(name));
  const cells = [String(id), ...Object.values(values).map((value) => literal(value, quoting))];
  return `INSERT INTO items (${names.join(', ')}) VALUES (${cells.join(', ')})`;
}

function update(id: number, values: Values, quoting: Quoting): string {
  const cells = Object.entries(values).map(([name, value]) => `${quoting.name(name)} = ${literal(value, quoting)}`);
  return `UPDATE items SET ${cells.join(', ')} WHERE id = ${id}`;
}

function literal(value: string | null | undefined, quoting: Quoting): string {
  return value == null ? 'NULL' : quoting.text(value);
}
