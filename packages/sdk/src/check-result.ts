/** One finding of `weir check`. */
export interface CheckResult {
  /** An error code, or `OK`-like name of what was checked. */
  readonly code: string;
  readonly level: 'ok' | 'warning' | 'error';
  readonly message: string;
  /** SQL or text that mends it. */
  readonly fix?: string;
  /** Where in the YAML, relative to the connector's block: `url`. */
  readonly path?: string;
}
