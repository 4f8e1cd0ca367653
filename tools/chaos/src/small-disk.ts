import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, statfsSync } from 'node:fs';

/** Takes the mount away when its input ends, which a dying process does as well. */
const WATCHDOG = 'read -r _; umount -l "$1"';

/** A tmpfs of its own on a folder, which can be full from one moment to the next. */
export class SmallDisk implements AsyncDisposable {
  readonly folder: string;
  readonly #megabytes: number;
  readonly #watchdog: ChildProcess;

  private constructor(folder: string, megabytes: number) {
    this.folder = folder;
    this.#megabytes = megabytes;
    this.#watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'weir-chaos-disk', folder], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  }

  /**
   * @param owner who may write there, by user and group id; null for this process alone
   * @returns why there is none, where the machine does not let this process mount one
   */
  static mount(folder: string, megabytes: number, owner: { uid: number; gid: number } | null): SmallDisk | string {
    mkdirSync(folder, { mode: 0o700 });
    if (owner !== null) chownSync(folder, owner.uid, owner.gid);
    if (process.platform !== 'linux') return `there is no tmpfs on ${process.platform}`;
    const ids = owner === null ? '' : `,uid=${owner.uid},gid=${owner.gid}`;
    try {
      mount(['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700${ids}`, 'weir-chaos', folder]);
    } catch (error) {
      return `mount says ${(error as Error).message.split('\n').at(-1)?.trim() || 'no'}`;
    }
    return new SmallDisk(folder, megabytes);
  }

  /** Nothing more fits: the limit is what is in use. */
  fill(): void {
    for (let tries = 1; ; tries++) {
      const { blocks, bfree, bsize } = statfsSync(this.folder);
      try {
        // A limit below what is in use is refused, and somebody may have written meanwhile.
        return mount(['-o', `remount,size=${(blocks - bfree + tries) * bsize}`, this.folder]);
      } catch (error) {
        if (tries === 20) throw error;
      }
    }
  }

  empty(): void {
    mount(['-o', `remount,size=${this.#megabytes}m`, this.folder]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#watchdog, 'exit');
    this.#watchdog.stdin?.end();
    await ended;
  }
}

function mount(args: readonly string[]): void {
  execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
}
