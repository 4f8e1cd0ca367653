import { resolve } from 'node:path';
import { EmbeddedPostgres } from '@weir/services';
import type { Logger } from '@weir/sdk';
import { Client } from 'pg';
import type { CommandContext } from '../commands/context.ts';
import type { DemoOptions } from '../commands/demo-options.ts';
import { openConfig } from '../commands/open-config.ts';
import { createLog } from '../log.ts';
import type { LiveView } from '../view/live-view.ts';
import { lineLogDestination } from '../view/log-line.ts';
import { paintFor } from '../view/paint.ts';
import { span } from '../view/quantities.ts';
import { DemoDirectory } from './demo-directory.ts';
import { verifyDemo } from './demo-report.ts';
import { demoView, runSession } from './demo-session.ts';
import { DEFAULT_LOAD } from './load.ts';
import { DEMO_SIZE, fillShop, isShopFilled, type ShopSize } from './shop.ts';

const DEFAULT_DIRECTORY = '.weir/demo';

/**
 * The demo: a PostgreSQL of its own with a shop and a live load, mirrored into DuckDB until `seconds` of streaming are over
 * or the context's signal aborts; then drained and verified, and the server stopped. What it did lasts: another start goes
 * on from the checkpoint, also after a kill -9.
 * @throws WeirError WEIR_VERIFY_DIFFERENT, WEIR_STORE_LOCKED when another demo has the directory, or the pipeline's own
 */
export async function runDemo(options: DemoOptions, context: CommandContext, size: ShopSize = DEMO_SIZE): Promise<void> {
  const { signal } = context;
  const directory = new DemoDirectory(resolve(options.directory ?? DEFAULT_DIRECTORY));
  const view = demoView(context, options.seconds);
  // Held to the end, so that no other process takes up the server while this one stops it.
  await using store = await directory.lock(options.fresh === true);
  if (options.fresh === true) await directory.clear();
  signal.throwIfAborted();
  await using postgres = await EmbeddedPostgres.start({ directory: directory.postgres, log: (line) => view.print(line) });
  view.print(`PostgreSQL runs on 127.0.0.1:${postgres.port}`);
  await prepareShop(postgres.url, directory, size, view);
  signal.throwIfAborted();
  await directory.writeConfig(postgres.url);
  const config = openConfig(directory.config, context);
  view.print(`configuration: ${directory.show(directory.config)}`);
  const { rate = DEFAULT_LOAD.ratePerSecond, seconds } = options;
  const log = demoLog(options, context, view);
  await runSession({ config, store, log, view, url: postgres.url, rate, seconds, again: directory.hasMirror() }, signal);
  view.print('comparing every row of both sides');
  for (const pipeline of config.pipelines.values()) await verifyDemo(pipeline, context, options.json === true);
  view.print(`The mirror is ${directory.show(directory.mirror)}. Another start goes on from here; --fresh starts over.`);
}

/** A mirror that an earlier shop left is none of a new one. */
async function prepareShop(url: string, directory: DemoDirectory, size: ShopSize, view: LiveView): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    if (await isShopFilled(client)) return;
    await directory.removeMirror();
    view.print('filling the shop');
    const startedAt = performance.now();
    await fillShop(client, size);
    view.print(`the shop is filled, in ${span(performance.now() - startedAt)}`);
  } finally {
    await client.end();
  }
}

/** Warnings above the live view; everything with --verbose. */
function demoLog(options: DemoOptions, context: CommandContext, view: LiveView): Logger {
  return createLog({
    level: options.verbose === true ? 'debug' : 'warn',
    secrets: context.secrets,
    destination: lineLogDestination((line) => view.print(line), paintFor(context.stderr)),
  });
}
