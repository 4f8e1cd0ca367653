import { command } from './docker.ts';

/** Longest that apt-get may take, in ms. */
const APT_LIMIT = 10 * 60_000;

/** Installs packages of Debian; the caller is root. @throws Error with what apt-get said */
export async function installPackages(names: readonly string[]): Promise<void> {
  await apt(['update', '-q']);
  await apt(['install', '-y', '-q', '--no-install-recommends', ...names]);
}

/** The mirror that this machine takes its packages from. @throws Error where there is no apt */
export async function debianMirror(): Promise<string> {
  const { code, output } = await command(
    'apt-get',
    ['indextargets', '--format', '$(REPO_URI) $(COMPONENT) $(LABEL)', 'Created-By: Packages'],
    { limit: 30_000 },
  );
  const mirror = output.split('\n').find((line) => line.endsWith(' main Debian'));
  if (code !== 0 || mirror === undefined) throw new Error(`images are built on Debian only: apt-get names no mirror of it`);
  return mirror.split(' ')[0]!;
}

async function apt(args: readonly string[]): Promise<void> {
  const { code, output } = await command('apt-get', args, { limit: APT_LIMIT, env: { DEBIAN_FRONTEND: 'noninteractive' } });
  if (code !== 0) throw new Error(`apt-get ${args.join(' ')} ended with code ${code}:\n${output.trimEnd().split('\n').slice(-8).join('\n')}`);
}
