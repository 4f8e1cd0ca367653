import { WeirError } from '@weir/sdk';
import { fileUrl, plain, type FileUrl } from './connection-url.ts';

/** A configuration to begin with. */
export interface FirstFile {
  /** YAML with comments. */
  readonly text: string;
  /** Environment variables that it reads, and what has to be in each. */
  readonly variables: readonly { readonly name: string; readonly holds: string }[];
}

const FROM_VARIABLE = 'SOURCE_PASSWORD';
const TO_VARIABLE = 'SINK_PASSWORD';
const URL_VARIABLE = 'DATABASE_URL';
const PASSWORD = 'as in a URL (%-encoded)';

/**
 * The first file of somebody who has a source and a sink, or means to have them.
 * @param from a URL of the source; undefined leaves it to an environment variable
 * @param to `duckdb:PATH` or a URL; undefined for a DuckDB file named after the source's database
 * @throws WeirError WEIR_USAGE
 */
export function firstFile(from: string | undefined, to: string | undefined): FirstFile {
  const source = from === undefined ? null : serverUrl('--from', from, FROM_VARIABLE, 'postgres://user@host/database');
  const name = pipelineName(source?.database ?? null);
  const sink = sinkBlock(to ?? `duckdb:./${name}.duckdb`);
  const variables = [
    ...(source === null ? [{ name: URL_VARIABLE, holds: 'the URL of the source: postgres://user:password@host/database' }] : []),
    ...(source?.hasPassword === true ? [{ name: FROM_VARIABLE, holds: `the source’s password, ${PASSWORD}` }] : []),
    ...(sink.hasPassword ? [{ name: TO_VARIABLE, holds: `the sink’s password, ${PASSWORD}` }] : []),
  ];
  return { text: fileText(name, source?.text ?? `\${${URL_VARIABLE}}`, sink.lines, variables), variables };
}

function serverUrl(option: string, url: string, variable: string, expected: string): FileUrl {
  const found = fileUrl(url, variable);
  if (found !== null) return found;
  // What was given may hold a password.
  throw new WeirError('WEIR_USAGE', `${option} is not what this version connects to`, { fix: `Give ${expected}.` });
}

function sinkBlock(to: string): { readonly lines: readonly string[]; readonly hasPassword: boolean } {
  if (to.startsWith('duckdb:') && to.length > 'duckdb:'.length) {
    const path = plain(to.slice('duckdb:'.length));
    return { lines: [`duckdb: { path: ${quoted(path)} }`], hasPassword: false };
  }
  const { text, hasPassword } = serverUrl('--to', to, TO_VARIABLE, 'duckdb:PATH or postgres://user@host/database');
  return { lines: ['postgres:', `  url: ${quoted(text)}`], hasPassword };
}

/** A letter, then letters, digits, `-` and `_`, at most 40. */
function pipelineName(database: string | null): string {
  const name = (database ?? '').replace(/[^A-Za-z0-9_-]/g, '_').replace(/^[^A-Za-z]+/, '').slice(0, 40);
  return name === '' ? 'main' : name;
}

/** As a YAML scalar that needs no thought: JSON's strings are some. */
function quoted(text: string): string {
  return JSON.stringify(text);
}

function fileText(name: string, url: string, sink: readonly string[], variables: FirstFile['variables']): string {
  return `# yaml-language-server: $schema=./weir.schema.json
# For completion and checks while typing: weir schema > weir.schema.json
${variables.map(({ name: variable, holds }) => `# From the environment, so that no secret is in this file: ${variable}, ${holds}\n`).join('')}\
version: 1
state: ./.weir                    # folder for Weir's own state; one running process per folder
http: 127.0.0.1:9464              # health, metrics and status on loopback; false for none
pipelines:
  ${name}:
    source:
      postgres:
        url: ${quoted(url)}
        tables: ["public.*"]      # patterns; "!public.audit_*" leaves out; weir discover lists what they come to
        # snapshot: { max_connections: 2 }        # readers of the copy
        # without_key: insert_only                # tables without a key: default refuse
    sinks:
      warehouse:
${sink.map((line) => `        ${line}\n`).join('')}\
        mode: mirror              # or append: a history, each change a row
        # target: { schema: "{schema}", table: "{table}" }   # names at the sink
        # deletes: soft           # keep what is deleted at the source, with a mark; default hard
        # schema_changes: apply   # or ignore, stop; or by kind, as { drop: stop }
        # on_error: stop_table    # one table that fails stops alone; default stop
    # buffer_bytes: 256MiB        # bound on what the pipeline holds in memory
`;
}
