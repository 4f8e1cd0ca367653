import type { BatchWriter } from '@weir/sdk';
import type { XaHost, XaStep } from '../xa.ts';

/** Keeps XA transactions in memory, and what it heard of them. */
export class KeptXa implements XaHost {
  readonly events = new Map<string, Uint8Array[]>();
  readonly heard: string[] = [];
  /** Of the transaction whose replay is due. */
  committed: readonly Uint8Array[] | null = null;
  readonly #writer: BatchWriter;
  #open = '';

  constructor(writer: BatchWriter) {
    this.#writer = writer;
  }

  start({ xid }: XaStep): void {
    this.#hear('start', xid);
    this.#open = xid;
    this.events.set(xid, []);
  }

  keep(start: number, end: number): void {
    this.events.get(this.#open)!.push(this.#writer.data.slice(start, end));
  }

  prepare({ xid }: XaStep): void {
    this.#hear('prepare', xid);
  }

  commit({ xid }: XaStep): void {
    this.#hear('commit', xid);
    this.committed = this.events.get(xid) ?? [];
    this.events.delete(xid);
  }

  rollback({ xid }: XaStep): void {
    this.#hear('rollback', xid);
    this.events.delete(xid);
  }

  #hear(step: string, xid: string): void {
    this.heard.push(`${step} ${xid}`);
  }
}
