import { request } from 'node:http';
import { errorCodes, WeirError, type ErrorCode, type QueryResult, type WeirErrorOptions } from '@weir/sdk';
import type { Finding } from '../check.ts';
import type { PipelinePlan } from '../plan.ts';
import type { RuntimeStatus } from '../runtime-status.ts';
import type { PipelineVerdict } from '../verify-file.ts';
import type { CopyAnswer, CopyRequest } from './copies.ts';
import type { FileAnswers, FileQuestion } from './file-questions.ts';
import { findSocketPath } from './socket-path.ts';
import type { SqlRequest } from './sql.ts';

/** Answers are bounded by the number of rows; this bounds their bytes. */
const MAX_ANSWER_BYTES = 256 * 2 ** 20;

/** A process that lives tells its status at once. */
const ANSWER_TIMEOUT_MS = 5000;

/** Asks the process that runs pipelines with some state directory. */
export class ApiClient implements FileAnswers {
  readonly #socketPath: string;

  private constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /**
   * The running process and its status; null when none runs with this state directory.
   * @throws WeirError WEIR_NOT_RUNNING when it does not answer
   */
  static async find(
    stateDirectory: string,
    signal?: AbortSignal,
  ): Promise<{ client: ApiClient; status: RuntimeStatus } | null> {
    const path = findSocketPath(stateDirectory);
    if (path === null) return null;
    const client = new ApiClient(path);
    const timeout = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    try {
      return { client, status: await client.status(signal === undefined ? timeout : AbortSignal.any([signal, timeout])) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ECONNREFUSED' || code === 'ENOENT') return null; // the socket of a dead process
      if (!timeout.aborted) throw error;
      const message = `the process that runs with ${stateDirectory} does not answer`;
      throw new WeirError('WEIR_NOT_RUNNING', message, {
        fix: 'Ask again; if it stays so, stop that process and start it again.',
      });
    }
  }

  async status(signal?: AbortSignal): Promise<RuntimeStatus> {
    return (await this.#ask('GET', '/v1/status', undefined, signal)) as RuntimeStatus;
  }

  /** @throws WeirError the process's own */
  async sql(query: SqlRequest, signal?: AbortSignal): Promise<QueryResult> {
    return (await this.#ask('POST', '/v1/sql', query, signal)) as QueryResult;
  }

  /**
   * Has tables copied once more. Where `wait` is asked for, the answer may take as long as the copy.
   * @throws WeirError the process's own; WEIR_NOT_RUNNING when it ends meanwhile
   */
  async copy(wanted: CopyRequest, signal?: AbortSignal): Promise<CopyAnswer> {
    try {
      return (await this.#ask('POST', '/v1/copies', wanted, signal)) as CopyAnswer;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
      throw new WeirError('WEIR_NOT_RUNNING', 'the process ended before the copy was done', {
        fix: 'Start it again with `weir run FILE`: a copy that the sinks have begun goes on there; ask again for any other.',
      });
    }
  }

  async check(question: FileQuestion, signal: AbortSignal): Promise<readonly Finding[]> {
    return (await this.#ask('POST', '/v1/check', question, signal)) as readonly Finding[];
  }

  async plan(question: FileQuestion, signal: AbortSignal): Promise<readonly PipelinePlan[]> {
    return (await this.#ask('POST', '/v1/plan', question, signal)) as readonly PipelinePlan[];
  }

  async verify(question: FileQuestion, signal: AbortSignal): Promise<readonly PipelineVerdict[]> {
    return (await this.#ask('POST', '/v1/verify', question, signal)) as readonly PipelineVerdict[];
  }

  #ask(method: string, path: string, body: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    // A connection of its own for each question: one kept open may be that of a process which has ended since.
    const options = { socketPath: this.#socketPath, method, path, headers, agent: false, ...(signal && { signal }) };
    const asked = request(options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES)
          asked.destroy(new WeirError('WEIR_API_REQUEST', 'the answer is too large', { fix: 'Ask for fewer rows.' }));
        else chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        try {
          resolve(parseAnswer(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')));
        } catch (error) {
          reject(error);
        }
      });
    });
    asked.on('error', reject);
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    return promise;
  }
}

function parseAnswer(status: number, text: string): unknown {
  const answer = JSON.parse(text) as { error?: { code: string; message: string } & WeirErrorOptions };
  if (status < 400) return answer;
  const { code = 'WEIR_INTERNAL', message = `status ${status}`, fix, path, place } = answer.error ?? {};
  throw new WeirError(code in errorCodes ? (code as ErrorCode) : 'WEIR_INTERNAL', message, { fix, path, place });
}
