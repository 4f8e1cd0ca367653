import { closestName, WeirError } from '@weir/sdk';
import type { Config, PipelineConfig } from './config.ts';

/** @throws WeirError WEIR_USAGE when there is no pipeline of that name */
export function choosePipelines(config: Config, only: string | undefined): PipelineConfig[] {
  if (only === undefined) return [...config.pipelines.values()];
  const pipeline = config.pipelines.get(only);
  if (pipeline !== undefined) return [pipeline];
  const names = [...config.pipelines.keys()];
  const closest = closestName(only, names);
  const fix = closest === null ? `Name one of: ${names.join(', ')}.` : `Did you mean ${closest}?`;
  throw new WeirError('WEIR_USAGE', `${config.file} has no pipeline ${only}`, { fix });
}
