import { toWeirError, WeirError } from '@weir/sdk';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { RuntimeStatus } from '../runtime-status.ts';
import { answerCopy, copyRequest } from './copies.ts';
import { fileAnswers, fileQuestion } from './file-questions.ts';
import type { ApiHost } from './host.ts';
import { renderMetrics } from './metrics.ts';
import type { z } from 'zod';
import { answerSql, sqlRequest } from './sql.ts';

const MAX_BODY_BYTES = 2 ** 20;

/**
 * The API of a process that runs pipelines. `private`: what reads rows or changes
 * something, for the Unix socket alone.
 * Errors are `{error: {code, message, fix, path?, place?}}`.
 */
export function buildApi(host: ApiHost, access: 'public' | 'private'): FastifyInstance {
  const app = fastify({ logger: false, bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true });
  app.setErrorHandler((error, _, reply) => sendError(reply, error));
  app.setNotFoundHandler((request, reply) =>
    sendError(reply.code(404), new WeirError('WEIR_API_REQUEST', `there is no ${request.method} ${request.url} here`)),
  );
  app.get('/livez', () => ({ live: true }));
  app.get('/readyz', (_, reply) => {
    const readiness = readinessOf(host.status());
    return reply.code(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get('/metrics', async (_, reply) => {
    const { contentType, text } = await renderMetrics(host.status());
    return reply.type(contentType).send(text);
  });
  app.get('/v1/status', () => host.status());
  if (access === 'private') addPrivate(app, host);
  return app;
}

function addPrivate(app: FastifyInstance, host: ApiHost): void {
  const answers = fileAnswers(host);
  const post = <T, Answer>(path: string, schema: z.ZodType<T>, answer: (body: T, signal: AbortSignal) => Promise<Answer>): void => {
    app.post(path, async (request, reply) => await answer(parseBody(schema, request), whileConnected(reply)));
  };
  post('/v1/sql', sqlRequest, async (body, signal) => await answerSql(host, body, signal));
  post('/v1/copies', copyRequest, async (body, signal) => await answerCopy(host, body, signal));
  post('/v1/check', fileQuestion, async (body, signal) => await answers.check(body, signal));
  post('/v1/plan', fileQuestion, async (body, signal) => await answers.plan(body, signal));
  post('/v1/verify', fileQuestion, async (body, signal) => await answers.verify(body, signal));
}

/** Ready: every pipeline has its source and its sinks connected. */
function readinessOf({ pipelines }: RuntimeStatus): { ready: boolean; pipelines: Record<string, string> } {
  const ready = pipelines.every(({ state, source }) => state === 'running' && source.phase !== 'connecting');
  return { ready, pipelines: Object.fromEntries(pipelines.map(({ name, state }) => [name, state])) };
}

function parseBody<T>(schema: z.ZodType<T>, request: FastifyRequest): T {
  const result = schema.safeParse(request.body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new WeirError('WEIR_API_REQUEST', `${issue!.path.join('.') || 'body'}: ${issue!.message}`);
}

/** Aborts when the client goes away before its answer. */
function whileConnected(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => controller.abort());
  return controller.signal;
}

function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const { statusCode } = error as { statusCode?: number };
  const failure =
    statusCode !== undefined && statusCode < 500
      ? new WeirError('WEIR_API_REQUEST', (error as Error).message)
      : toWeirError(error);
  const { code, message, fix, path, place } = failure;
  if (reply.statusCode < 400) void reply.code(failure.code === 'WEIR_API_REQUEST' ? (statusCode ?? 400) : 500);
  return reply.send({ error: { code, message, fix, path, place } });
}
