import { describe, expect, it } from 'vitest';
import { TargetShapes } from './target-shapes.ts';

const target = { schema: 'public', table: 'orders' };

describe('what is to be done behind a commit', () => {
  it('is nothing for a table that was only added to', () => {
    const shapes = new TargetShapes();
    expect(shapes.steps()).toEqual([]);
    expect(shapes.has(target)).toBe(false);
  });

  it('is a swap for a table that another takes the place of, and then the columns in order', () => {
    const shapes = new TargetShapes();
    shapes.renameColumn(target, 'lost', 'with the old table');
    shapes.move(target, { schema: 'public', table: '_weir_1' });
    shapes.renameColumn(target, 'a', 'b');
    shapes.dropColumn(target, 'c');
    expect(shapes.steps()).toEqual([
      { do: 'swap', schema: 'public', table: 'orders', from: '_weir_1' },
      { do: 'rename', schema: 'public', table: 'orders', from: 'a', to: 'b' },
      { do: 'drop-column', schema: 'public', table: 'orders', column: 'c' },
    ]);
  });

  it('removes tables that were made on the way', () => {
    const shapes = new TargetShapes();
    shapes.move(target, { schema: 'public', table: '_weir_1' });
    shapes.move(target, { schema: 'public', table: '_weir_2' });
    shapes.drop(target);
    expect(shapes.steps()).toEqual([
      { do: 'drop-table', schema: 'public', table: 'orders' },
      { do: 'drop-table', schema: 'public', table: '_weir_1' },
      { do: 'drop-table', schema: 'public', table: '_weir_2' },
    ]);
    shapes.clear();
    expect(shapes.steps()).toEqual([]);
  });
});

describe('a table as it is during a commit', () => {
  const columnRow = (name: string): (string | null)[] => [name, 'bigint', null, 'YES', null, '', ''];
  const ask = async (sql: string) => {
    if (sql.includes('information_schema.tables')) return { rows: [['BASE TABLE', 'InnoDB', '3']], count: 1 };
    if (sql.includes('information_schema.columns')) return { rows: ['a', 'b', 'c', '_weir_row'].map(columnRow), count: 4 };
    return { rows: [['PRIMARY', 'a', null]], count: 1 };
  };

  it('has its new names, and the old ones for statements', async () => {
    const shapes = new TargetShapes();
    shapes.renameColumn(target, 'a', '?');
    shapes.renameColumn(target, 'b', 'a');
    shapes.renameColumn(target, '?', 'b');
    shapes.dropColumn(target, 'c');
    const found = await shapes.inspect(ask, target);
    expect(found!.columns.map(({ name, physical }) => [name, physical])).toEqual([['b', 'a'], ['a', 'b']]);
    expect(found!.indexes).toEqual([{ name: 'PRIMARY', primary: true, columns: ['b'] }]);
    expect(found!.numbered).toBe(true);
  });

  it('is not there when it goes with the commit', async () => {
    const shapes = new TargetShapes();
    shapes.drop(target);
    expect(await shapes.inspect(ask, target)).toBeNull();
  });
});
