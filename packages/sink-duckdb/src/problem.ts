import { WeirError, errorCodes, tableName, type CheckResult, type ErrorCode, type Table } from '@weir/sdk';

/** Why a table cannot be delivered: a finding of `plan`, an error when its rows come. */
export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  /** Where in the sink's configuration it can be mended. */
  readonly path?: string | undefined;
  readonly fix?: string | undefined;
  /** Of `plan` only: what the source may still mend itself before rows come. */
  readonly mayPass?: boolean;
}

export function problemError(table: Table, { code, message, path, fix }: Problem): WeirError {
  return new WeirError(code, message, { table: tableName(table), path, fix });
}

export function problemFinding({ code, message, path, fix, mayPass }: Problem): CheckResult {
  const place = path === undefined ? {} : { path };
  return { code, level: mayPass === true ? 'warning' : 'error', message, fix: fix ?? errorCodes[code].remedy, ...place };
}

/** @throws WeirError the first problem */
export function expectNone(table: Table, problems: readonly Problem[]): void {
  if (problems.length > 0) throw problemError(table, problems[0]!);
}
