import { explainError, WeirError } from '@weir/sdk';

/** Everything that is wrong with one configuration file; as an error by itself it is the first of them. */
export class ConfigErrors extends WeirError {
  readonly all: readonly WeirError[];

  constructor(all: readonly WeirError[]) {
    const [first] = all;
    if (first === undefined) throw new RangeError('ConfigErrors without an error');
    super(first.code, first.message, { fix: first.fix, path: first.path, place: first.place });
    this.name = 'ConfigErrors';
    this.all = all;
  }

  /** Every error as {@link explainError} shows it, in the order of the file. */
  explain(): string {
    return this.all.map((error) => explainError(error)).join('\n');
  }
}
