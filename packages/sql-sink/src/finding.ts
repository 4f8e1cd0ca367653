import { WeirError, tableName, type CheckResult, type ErrorCode, type Table } from '@weir/sdk';

/** Why a table cannot be written; `plan` shows it and `write` throws it, with the same code. */
export interface Finding {
  readonly code: ErrorCode;
  readonly message: string;
  readonly fix?: string;
}

/** Throws the first finding, as an error about the table. */
export function refuse(table: Table, findings: readonly Finding[]): void {
  const [first] = findings;
  if (first === undefined) return;
  throw new WeirError(first.code, first.message, { table: tableName(table), fix: first.fix });
}

export function checkResult({ code, message, fix }: Finding): CheckResult {
  return { code, level: 'error', message, fix: fix ?? new WeirError(code, message).fix };
}
