import type { Connectors } from '../connectors.ts';
import { printJson, printLines, tableWidth } from './context.ts';
import { examples, type Register } from './register.ts';

export const registerConnectors: Register = (program, context) => {
  program
    .command('connectors')
    .summary('list the sources and sinks, and what each guarantees')
    .description('Lists the sources and sinks that a configuration may name, and how each sink keeps its promise.')
    .option('--json', 'print as JSON: [{name, kind, summary, delivery}]')
    .addHelpText('after', examples('weir connectors'))
    .action(async ({ json }: { json?: true }) => {
      const { connectors } = await import('../connectors.ts');
      const list = connectorList(connectors);
      if (json) return printJson(context, list);
      const { paintFor } = await import('../view/paint.ts');
      const { paragraph } = await import('../view/text-width.ts');
      const { textTable } = await import('../view/text-table.ts');
      const rows = list.map(({ name, kind, delivery, summary }) => [
        name,
        kind,
        delivery === null ? '' : delivery.class,
        summary,
      ]);
      const options = { width: tableWidth(context), paint: paintFor(context.stdout) };
      printLines(context, textTable(['name', 'kind', 'class', 'summary'], rows, options));
      for (const { name, delivery } of list) {
        if (delivery === null) continue;
        const mechanism = paragraph(`${name}, class ${delivery.class}: ${delivery.mechanism}`, 0, options.width);
        printLines(context, ['', ...mechanism, ...paragraph(`limit: ${delivery.limit}`, 2, options.width)]);
      }
    });
};

function connectorList({ sources, sinks }: Connectors) {
  return [
    ...sources.map(({ connector: { name, kind, summary } }) => ({ name, kind, summary, delivery: null })),
    ...sinks.map(({ connector: { name, kind, summary, delivery } }) => ({ name, kind, summary, delivery })),
  ];
}
