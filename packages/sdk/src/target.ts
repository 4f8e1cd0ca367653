import type { SinkOptions } from './connector.ts';
import { WeirError } from './errors.ts';

/** The name that a sink's `target` templates give a table of the source. */
export function targetName(
  table: { readonly namespace: string; readonly name: string },
  target: SinkOptions['target'],
): { schema: string; table: string } {
  const fill = (template: string): string =>
    template.replace(/\{(schema|table)\}/g, (_, name) => (name === 'schema' ? table.namespace : table.name));
  return { schema: fill(target.schema), table: fill(target.table) };
}

/** @throws WeirError WEIR_CONFIG_INVALID for a name at the sink that holds other templates than {schema} and {table}, or nothing */
export function refuseTemplates(target: SinkOptions['target']): void {
  for (const part of ['schema', 'table'] as const) {
    const template = target[part];
    if (template !== '' && !/[{}]/.test(template.replace(/\{(schema|table)\}/g, ''))) continue;
    const message = `target.${part} may hold {schema} and {table}, not “${template}”`;
    throw new WeirError('WEIR_CONFIG_INVALID', message, { path: `target.${part}` });
  }
}
