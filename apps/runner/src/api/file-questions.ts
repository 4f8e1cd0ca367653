import { z } from 'zod';
import { checkPipeline, type Finding } from '../check.ts';
import { choosePipelines } from '../config/choose-pipelines.ts';
import { loadConfig } from '../config/load.ts';
import { planPipelines, type PipelinePlan } from '../plan.ts';
import { verifyFile, type PipelineVerdict } from '../verify-file.ts';
import type { ApiHost } from './host.ts';

/** The body of `POST /v1/check`, `/v1/plan` and `/v1/verify`: about a file as it is now, which may not be what runs. */
export const fileQuestion: z.ZodType<FileQuestion> = z.strictObject({
  file: z.string().min(1),
  pipeline: z.string().min(1).optional(),
});

export interface FileQuestion {
  /** Absolute. */
  readonly file: string;
  readonly pipeline?: string | undefined;
}

/**
 * Questions that need the sinks open: a process that runs pipelines answers them, since it alone may open the files of some.
 * @throws ConfigErrors
 */
export interface FileAnswers {
  check(question: FileQuestion, signal: AbortSignal): Promise<readonly Finding[]>;
  plan(question: FileQuestion, signal: AbortSignal): Promise<readonly PipelinePlan[]>;
  verify(question: FileQuestion, signal: AbortSignal): Promise<readonly PipelineVerdict[]>;
}

/** Answers in the process that runs pipelines. */
export function fileAnswers(host: ApiHost): FileAnswers {
  const open = ({ file, pipeline }: FileQuestion) => {
    const config = loadConfig(file, host.env);
    return { config, pipelines: choosePipelines(config, pipeline) };
  };
  return {
    async check(question, signal) {
      const { config, pipelines } = open(question);
      const findings: Finding[] = [];
      for (const pipeline of pipelines) findings.push(...(await checkPipeline(config, pipeline, process.pid, signal)));
      return findings;
    },
    async plan(question, signal) {
      const { config, pipelines } = open(question);
      return await planPipelines(config, pipelines, process.pid, signal);
    },
    async verify(question, signal) {
      const { pipelines } = open(question);
      return await verifyFile(pipelines, new Map(host.status().pipelines.map((status) => [status.name, status])), signal);
    },
  };
}
