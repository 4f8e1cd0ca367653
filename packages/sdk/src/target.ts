import type { SinkOptions } from './connector.ts';

/** The name that a sink's `target` templates give a table of the source. */
export function targetName(
  table: { readonly namespace: string; readonly name: string },
  target: SinkOptions['target'],
): { schema: string; table: string } {
  const fill = (template: string): string =>
    template.replace(/\{(schema|table)\}/g, (_, name) => (name === 'schema' ? table.namespace : table.name));
  return { schema: fill(target.schema), table: fill(target.table) };
}
