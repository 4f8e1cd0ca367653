import { styleText } from 'node:util';

/** Colours for one stream, or none. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly bad: (text: string) => string;
}

const same = (text: string): string => text;
export const plain: Paint = { bold: same, dim: same, good: same, warning: same, bad: same };

/** Colours where the stream is a terminal that wants them; honours NO_COLOR and FORCE_COLOR. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) => styleText(format, text, { stream });
  return { bold: style('bold'), dim: style('dim'), good: style('green'), warning: style('yellow'), bad: style('red') };
}
