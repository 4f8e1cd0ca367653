export { oneProcess as default } from '../../vitest.shared.ts';
