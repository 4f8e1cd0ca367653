import { BatchWriter } from '@weir/sdk';

/** Closes batches after a few rows, so that transactions of a few rows are split as those of millions are. */
export class SmallBatchWriter extends BatchWriter {
  mostRows = 1;

  override isFull(bytes: number = this.used): boolean {
    return this.rows >= this.mostRows || super.isFull(bytes);
  }
}
