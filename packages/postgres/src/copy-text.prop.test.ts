import type { TableBinding } from '@weir/pgoutput';
import { BatchWriter, Op, RowCursor, WeirError, type Column } from '@weir/sdk';
import { testSeed } from '@weir/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCopyRow } from './copy-text.ts';
import { rewriteBytea, rewriteTimetz } from './rewrite-cell.ts';
import type { TypeMapping } from './type-mapping.ts';

const parameters = { seed: testSeed, numRuns: 1000 };

function binding(rewrites: readonly TypeMapping['rewrite'][]): TableBinding {
  const columns = rewrites.map((_, i): Column => ({
    name: `c${i}`,
    type: { kind: 'string' },
    nullable: true,
    sourceType: 'text',
  }));
  return { table: { namespace: 'public', name: 't', version: 1, columns, key: [] }, rewrites, skip: false };
}

const named: Readonly<Record<string, string>> = {
  '\b': 'b',
  '\f': 'f',
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '\v': 'v',
  '\\': '\\',
};

/** How the server prints a cell: PostgreSQL, src/backend/commands/copyto.c, CopyAttributeOutText. */
function copyCell(cell: string | null): string {
  return cell === null ? '\\N' : cell.replace(/[\b\f\n\r\t\v\\]/g, (char) => `\\${named[char]!}`);
}

/** One for all rows: making a writer takes long. */
const writer = new BatchWriter();

/** Decodes rows that stand one behind the other in a slab, and reads them back as Latin-1. */
function decode(rows: readonly string[], bound: TableBinding): (string | null)[][] {
  writer.close(null);
  const commit = writer.addCommit({ position: '', version: 0n, time: 0, transactionId: '' });
  for (const row of rows) {
    const bytes = Buffer.from(row);
    const start = writer.append(bytes);
    writer.beginRow(Op.read, writer.tableIndex(bound.table), commit, 1);
    writer.beginAfter();
    decodeCopyRow(writer, bound, start, start + bytes.length);
  }
  const batch = writer.close(null);
  return Array.from(new RowCursor(batch), (row) => bound.table.columns.map((_, i) => latin1(row.after.bytes(i))));
}

function latin1(bytes: Uint8Array | null): string | null {
  return bytes && Buffer.from(bytes).toString('latin1');
}

const text = fc
  .oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\t', '\n', '\r', '\\', 'N', '.', 'a', 'b', '\b', '\v', '\f', 'x', '0') }),
  )
  .map((value) => value.replaceAll('\0', '0'));

test('cells come back as they were', () => {
  const tables = fc.integer({ min: 1, max: 6 }).chain((columns) =>
    fc.array(fc.array(fc.option(text, { freq: 6 }), { minLength: columns, maxLength: columns }), {
      minLength: 1,
      maxLength: 20,
    }),
  );
  fc.assert(
    fc.property(tables, (rows) => {
      const bound = binding(rows[0]!.map(() => null));
      const decoded = decode(
        rows.map((cells) => `${cells.map(copyCell).join('\t')}\n`),
        bound,
      );
      expect(decoded).toEqual(rows.map((cells) => cells.map((cell) => latin1(cell === null ? null : Buffer.from(cell)))));
    }),
    parameters,
  );
});

test('cells are rewritten after their escapes are removed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), text, (bytes, other) => {
      const cells = [`\\x${Buffer.from(bytes).toString('hex')}`, other, '12:00:00+02'];
      const decoded = decode([`${cells.map(copyCell).join('\t')}\n`], binding([rewriteBytea, null, rewriteTimetz]));
      expect(decoded).toEqual([[latin1(bytes), latin1(Buffer.from(other)), '12:00:00+02:00']]);
    }),
    parameters,
  );
});

test('a row with another number of columns is an error, and so is any that ends in the middle of an escape', () => {
  const bound = binding([null, null]);
  for (const row of ['a\n', '\n', 'a\tb\tc\n', 'a\tb\t\n', 'a\\\tb\n', 'a\tb\\\n']) {
    expect(() => decode([row], bound), JSON.stringify(row)).toThrow(
      expect.objectContaining({ code: 'WEIR_PGOUTPUT_DAMAGED' }),
    );
  }
});

test('damaged rows give cells or a coded error', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('\t', '\\', 'N', 'n', 'a', '\n') }), (row) => {
      try {
        expect(decode([`${row}\n`], binding([null, null, null]))[0]).toHaveLength(3);
      } catch (error) {
        expect(error).toBeInstanceOf(WeirError);
      }
    }),
    parameters,
  );
});
