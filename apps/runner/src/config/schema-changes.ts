import { schemaPolicies, type SchemaPolicies } from '@weir/sdk';
import { z } from 'zod';

const policy = z.enum(['apply', 'ignore', 'stop']);

const byKind = z.strictObject({
  create: policy.optional().describe('A table that appears later. ignore: it is left out, also when it changes.'),
  add: policy.optional().describe('A column that is added. ignore: its values are left out.'),
  drop: policy.optional().describe('A column that is dropped. apply: the sink keeps it, with NULL in rows to come.'),
  rename: policy.optional().describe('A column with another name. ignore: its values are left out from then on.'),
  widen: policy.optional().describe('A type that holds more. ignore: the sink keeps its own.'),
  key: z
    .enum(['apply', 'stop'], {
      error: ({ input }) => (input === 'ignore' ? 'a changed key cannot be ignored; expected apply or stop' : undefined),
    })
    .optional()
    .describe('Another key, or none.'),
  drop_table: policy.optional().describe('A table that is dropped. apply: the sink drops it too; ignore, the default, keeps it.'),
});

/** The value of `schema_changes`: one policy for all kinds of change, or one by kind; a kind not named is as in `apply`. */
export const schemaChanges: z.ZodType<SchemaPolicies> = z.union([policy, byKind]).transform((value): SchemaPolicies => {
  if (typeof value === 'string') return schemaPolicies(value);
  const { drop_table: dropTable, ...named } = value;
  const given = Object.entries({ ...named, 'drop-table': dropTable }).filter(([, chosen]) => chosen !== undefined);
  return { ...schemaPolicies('apply'), ...Object.fromEntries(given) };
});
