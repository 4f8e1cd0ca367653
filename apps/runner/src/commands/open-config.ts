import type { Config } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import { secretValues } from '../config/secret-values.ts';
import type { CommandContext } from './context.ts';

/** Reads the configuration and has its secrets hidden from messages. @throws ConfigErrors */
export function openConfig(file: string, context: CommandContext): Config {
  const config = loadConfig(file, context.env);
  context.secrets.push(...secretValues(config));
  return config;
}
