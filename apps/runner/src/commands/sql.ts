import { silentLogger, systemClock, WeirError, type QueryResult } from '@weir/sdk';
import type { SqlRequest } from '../api/sql.ts';
import type { Config } from '../config/config.ts';
import { interruptible, printJson, printLines, tableWidth, type CommandContext } from './context.ts';
import { examples, wholeNumber, type Register } from './register.ts';

const DEFAULT_LIMIT = 100;

interface SqlOptions {
  readonly limit: number;
  readonly json?: true;
  readonly pipeline?: string;
}

export const registerSql: Register = (program, context) => {
  program
    .command('sql')
    .summary('ask a sink a question in SQL')
    .description(
      'Asks a sink in its own SQL. While `weir run` is up the answer comes through it, since DuckDB keeps every other ' +
        'process out of its file; otherwise the sink is opened for this one query.',
    )
    .argument('<file>', 'the configuration')
    .argument('<sink>', 'the sink’s name')
    .argument('<query>', 'a query that only reads')
    .option('--pipeline <name>', 'when several pipelines have a sink of that name')
    .option('--limit <rows>', 'most rows to answer', wholeNumber(1), DEFAULT_LIMIT)
    .option('--json', 'print as JSON: {columns, rows: [[text or null]], truncated}')
    .addHelpText('after', examples("weir sql weir.yaml warehouse 'select count(*) from public.orders'"))
    .action(async (file: string, sink: string, query: string, options: SqlOptions) => {
      const request = { sink, pipeline: options.pipeline, sql: query, limit: options.limit };
      await interruptible(context, sql(file, request, options, context));
    });
};

async function sql(file: string, request: SqlRequest, { json }: SqlOptions, context: CommandContext): Promise<void> {
  const { openConfig } = await import('./open-config.ts');
  const { ApiClient } = await import('../api/client.ts');
  const config = openConfig(file, context);
  const { MAX_SQL_ROWS } = await import('../api/sql.ts');
  if (request.limit > MAX_SQL_ROWS) throw new WeirError('WEIR_USAGE', `--limit is at most ${MAX_SQL_ROWS}`);
  const running = await ApiClient.find(config.stateDirectory, context.signal);
  const result =
    running === null ? await askDirectly(config, request, context) : await running.client.sql(request, context.signal);
  if (json) return printJson(context, result);
  await printResult(result, context);
}

async function askDirectly(config: Config, request: SqlRequest, context: CommandContext): Promise<QueryResult> {
  const { chooseSink, querySink } = await import('../api/sql.ts');
  const { createSink } = await import('../parts.ts');
  const byPipeline = [...config.pipelines.values()].map(({ name, sinks }) => {
    return [name, new Map(sinks.map((sink) => [sink.name, { pipeline: name, sink }]))] as const;
  });
  const { pipeline, sink } = chooseSink(new Map(byPipeline), request);
  const opened = createSink(sink, { pipeline, name: sink.name, log: silentLogger, clock: systemClock });
  return await querySink(opened, request, context.signal);
}

async function printResult({ columns, rows, truncated }: QueryResult, context: CommandContext): Promise<void> {
  const { paintFor } = await import('../view/paint.ts');
  const { textTable } = await import('../view/text-table.ts');
  const quantities = await import('../view/quantities.ts');
  const paint = paintFor(context.stdout);
  printLines(context, textTable(columns, rows, { width: tableWidth(context), paint }));
  const more = truncated ? ', more were left out (--limit)' : '';
  context.stderr.write(`${paintFor(context.stderr).dim(`${quantities.rows(rows.length)}${more}`)}\n`);
}
