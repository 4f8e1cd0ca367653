export { parseRequest, parts, usage, type Part, type VerifyRequest } from './request.ts';
export { closingLine, single, total, type Outcome } from './tally.ts';
export { stepsOf, type Step, type Verification } from './verify.ts';
