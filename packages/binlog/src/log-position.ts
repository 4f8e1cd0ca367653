import { ARTIFICIAL_FLAG, type EventReader } from './event-reader.ts';

/** A place in a log: file, and byte in it, also beyond 4 GiB. */
export interface LogPosition {
  readonly file: string;
  readonly offset: number;
}

const WRAP = 0x1_0000_0000;
/** More than an event is long: only where the low bits start anew do they go back by so much. */
const HALF_WRAP = WRAP / 2;

/** Where the events stand. A header has the low 32 bits of its event's end only; one transaction can be larger. */
export class LogPlace {
  file = '';
  /** Where the event that is decoded starts, and where it ends. */
  start = 0;
  end = 0;

  /** The log goes on in this file, at this byte. */
  moveTo(file: string, offset: number): void {
    this.file = file;
    this.start = offset;
    this.end = offset;
  }

  /** An event with this header comes, `size` bytes. One that the server made up for this connection stands nowhere. */
  pass({ flags, endPosition }: EventReader, size: number): void {
    if ((flags & ARTIFICIAL_FLAG) !== 0 || endPosition === 0) {
      this.start = this.end;
      return;
    }
    let position = this.end - (this.end % WRAP) + endPosition;
    if (this.end - position > HALF_WRAP) position += WRAP;
    this.end = position;
    this.start = position - size;
  }

  get startPosition(): LogPosition {
    return { file: this.file, offset: this.start };
  }

  get endPosition(): LogPosition {
    return { file: this.file, offset: this.end };
  }
}
