import { describe, expect, it } from 'vitest';
import { sinkError } from './sink-error.ts';

const at = {
  doing: 'writing public.orders',
  table: { namespace: 'public', name: 'orders' },
  columns: [{ name: 'c1', column: 'note', sqlType: 'tinyint' }],
};

function answer(errno: number, sqlMessage: string): Error {
  return Object.assign(new Error(sqlMessage), { errno, sqlMessage, code: 'ER' });
}

describe('what the server answers to a write', () => {
  it.each([
    [1062, "Duplicate entry 'secret' for key 'orders.PRIMARY'", 'WEIR_MYSQL_DIVERGED', 'primary key'],
    [1062, "Duplicate entry 'secret' for key 'PRIMARY'", 'WEIR_MYSQL_DIVERGED', 'primary key'],
    [1062, "Duplicate entry 'secret' for key 'orders.by_note'", 'WEIR_SINK_UNIQUE_INDEX', 'by_note'],
    [1264, "Out of range value for column 'c1' at row 3", 'WEIR_MYSQL_VALUE', 'note: a value does not fit tinyint'],
    [1406, "Data too long for column 'c1' at row 1", 'WEIR_MYSQL_VALUE', 'note: a value is longer than tinyint takes'],
    [1366, "Incorrect string value: '\\xFFsecret' for column 'c1' at row 1", 'WEIR_MYSQL_VALUE', 'note: a text is not UTF-8'],
    [1366, "Incorrect decimal value: 'secret' for column `weir`.`t`.`c1` at row 1", 'WEIR_MYSQL_VALUE', 'note: a value'],
    [1292, "Incorrect datetime value: 'secret' for column 'c1' at row 2", 'WEIR_MYSQL_VALUE', 'note: a value'],
    [1048, "Column 'c1' cannot be null", 'WEIR_MYSQL_VALUE', 'column note is NULL'],
    [1048, "Column 'theirs' cannot be null", 'WEIR_SINK_COLUMN_REQUIRED', 'column theirs'],
    [1364, "Field 'theirs' doesn't have a default value", 'WEIR_SINK_COLUMN_REQUIRED', 'theirs'],
    [1452, 'Cannot add or update a child row: a foreign key constraint fails', 'WEIR_MYSQL_CONSTRAINT', 'foreign key'],
    [3819, "Check constraint 'c' is violated.", 'WEIR_MYSQL_CONSTRAINT', 'CHECK'],
    [1146, "Table 'public.orders' doesn't exist", 'WEIR_MYSQL_DIVERGED', 'orders'],
    [1064, "You have an error in your SQL syntax near 'secret'", 'WEIR_MYSQL_QUERY', 'does not understand'],
    [1213, 'Deadlock found when trying to get lock', 'WEIR_MYSQL_LOCKED', 'Deadlock'],
    [1205, 'Lock wait timeout exceeded', 'WEIR_MYSQL_LOCKED', 'Lock wait'],
    [1142, 'INSERT command denied to user', 'WEIR_MYSQL_GRANT', 'denied'],
  ])('%i %s', (errno, text, code, message) => {
    const error = sinkError(answer(errno, text), at);
    expect(error).toMatchObject({ code, table: 'public.orders', message: expect.stringContaining(message) as string });
    expect(error.message).not.toContain('secret');
  });

  it('is about no table when the connection is lost', () => {
    const error = sinkError(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', errno: -104 }), at);
    expect(error).toMatchObject({ code: 'WEIR_MYSQL_CONNECTION_LOST' });
    expect(error.table).toBeUndefined();
  });
});
