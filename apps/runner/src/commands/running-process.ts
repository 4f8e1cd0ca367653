import { WeirError } from '@weir/sdk';
import type { ApiClient } from '../api/client.ts';
import type { Config } from '../config/config.ts';
import type { CommandContext } from './context.ts';

/** The process that runs with the file's state directory. @throws WeirError WEIR_NOT_RUNNING when none does */
export async function runningProcess(config: Config, what: string, context: CommandContext): Promise<ApiClient> {
  const { ApiClient } = await import('../api/client.ts');
  const running = await ApiClient.find(config.stateDirectory, context.signal);
  if (running !== null) return running.client;
  throw new WeirError('WEIR_NOT_RUNNING', `nothing runs with ${config.stateDirectory}, and ${what} is the running process’s to do`, {
    fix: `Start it with \`weir run ${config.file}\`, then ask again.`,
  });
}
