import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Names of the projects whose test files run first, with commas. */
export const FIRST_VARIABLE = 'WEIR_TEST_FIRST';

/** The order of vitest, but for the projects that a change affects: what it breaks fails early. */
export default class AffectedFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const first = new Set((process.env[FIRST_VARIABLE] ?? '').split(','));
    const sorted = await super.sort(files);
    const isFirst = ({ project }: TestSpecification): boolean => first.has(project.name);
    return [...sorted.filter(isFirst), ...sorted.filter((file) => !isFirst(file))];
  }
}
