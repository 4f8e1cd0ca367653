// One set-up at a time: two commands started together must not both rewrite node_modules.
import { linkSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest wait for another set-up, in ms. */
const WAIT_LIMIT = 15 * 60_000;
const LOOK_EVERY = 250;
/** The holder touches the file this often, in ms; one untouched for `STALE_AFTER` is left over from another machine. */
const TOUCH_EVERY = 5000;
const STALE_AFTER = 60_000;

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** What the lock file says, and whether its holders are gone; null when there is none. */
function holder(file) {
  try {
    const text = readFileSync(file, 'utf8');
    const [host, ...pids] = text.split(' ');
    const old = Date.now() - statSync(file).mtimeMs > STALE_AFTER;
    const gone = host === hostname() && pids.length > 0 && !pids.some((pid) => isAlive(Number(pid)));
    return { text, pid: pids[0] ?? 'unknown', stale: gone || old };
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

function tryTake(file) {
  try {
    writeFileSync(file, `${hostname()} ${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

/** Takes a lock away from holders that are gone. Whoever moved a fresh lock by mistake puts it back. */
function removeStale(file, judged) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== judged) linkSync(aside, file);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Waits, within a bound, until this process holds `file`. `shareWith` names a child whose life also keeps the lock: it goes
 * on installing when this process is killed. Throws an error with code ESETUPLOCK when the wait is over.
 */
export async function takeLock(file, say) {
  const started = Date.now();
  for (let told = false; !tryTake(file); await sleep(LOOK_EVERY)) {
    const other = holder(file);
    if (other === null) continue;
    if (other.stale) removeStale(file, other.text);
    else if (!told) say(`another set-up is at work (process ${other.pid}); waiting for it …`);
    told ||= !other.stale;
    if (Date.now() - started > WAIT_LIMIT) {
      const waited = `waited ${WAIT_LIMIT / 60_000} minutes for process ${other.pid}`;
      const error = new Error(`${waited}; if it does nothing any more, end it and remove ${file}`);
      throw Object.assign(error, { code: 'ESETUPLOCK' });
    }
  }
  const toucher = setInterval(() => touch(file), TOUCH_EVERY);
  toucher.unref();
  return {
    shareWith: (pid) => writeFileSync(file, `${hostname()} ${process.pid} ${pid}`),
    release: () => {
      clearInterval(toucher);
      rmSync(file, { force: true });
    },
  };
}
