import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FaultyProxy } from './faulty-proxy.ts';

const forever = new AbortController().signal;

describe('a faulty proxy before a server that answers what it is told', () => {
  let server: Server;
  let proxy: FaultyProxy;
  let heard: string;

  beforeEach(async () => {
    heard = '';
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (bytes) => {
        heard += bytes.toString();
        socket.write(`you said ${bytes.toString()}`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    proxy = await FaultyProxy.listen((server.address() as AddressInfo).port);
  });

  afterEach(async () => {
    await proxy[Symbol.asyncDispose]();
    server.close();
  });

  function knock(): Socket {
    return connect(proxy.port, '127.0.0.1').on('error', () => {});
  }

  async function join(): Promise<Socket> {
    const client = knock();
    await once(client, 'connect');
    return client;
  }

  /** A reset is an error as well, which `once` would throw. */
  async function closed(client: Socket): Promise<void> {
    if (!client.closed) await new Promise<void>((resolve) => client.once('close', () => resolve()));
  }

  async function say(client: Socket, text: string): Promise<string> {
    client.write(text);
    const [answer] = (await once(client, 'data')) as [Buffer];
    return answer.toString();
  }

  it('passes on what is said', async () => {
    expect(await say(await join(), 'hello')).toBe('you said hello');
    expect(proxy.through('postgres://me@127.0.0.1:1/shop')).toBe(`postgres://me@127.0.0.1:${proxy.port}/shop`);
  });

  it('resets connections, and refuses them while there is no server', async () => {
    const client = await join();
    await say(client, 'hello');
    expect(proxy.cut()).toBe(1);
    await closed(client);
    proxy.target = 0;
    await closed(knock());
  });

  it('passes so many bytes and then resets that connection, and no other', async () => {
    const [first, second] = [await join(), await join()];
    expect(await say(second, 'hello')).toBe('you said hello');
    proxy.cutAfter(3);
    first.write('hello');
    await closed(first);
    expect(heard).toBe('hellohel');
    expect(await say(second, 'again')).toBe('you said again');
  });

  it('has the server do something and loses the answer, once', async () => {
    const client = await join();
    let answer = '';
    client.on('data', (bytes: Buffer) => (answer += bytes.toString()));
    const dropped = proxy.dropAnswerTo('COMMIT', forever);
    client.write('BEGIN');
    await once(client, 'data');
    client.write('COMMIT');
    await dropped;
    expect(heard).toBe('BEGINCOMMIT');
    expect(answer).toBe('you said BEGIN');
    expect(await say(await join(), 'COMMIT')).toBe('you said COMMIT');
  });

  it('falls silent without closing anything, and then passes on what was said meanwhile', async () => {
    const client = await join();
    await say(client, 'hello');
    proxy.isSilent = true;
    client.write(' again');
    // A round trip past the proxy: had it passed anything on, the server would have it by now.
    const direct = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await say(direct, '!');
    direct.destroy();
    expect(heard).toBe('hello!');
    proxy.isSilent = false;
    await once(client, 'data');
    expect(heard).toBe('hello! again');
  });

  it('is slow, in order, with more than fits into its buffers', async () => {
    const client = await join();
    proxy.delayMs = 5;
    const said = 'x'.repeat(300_000);
    let answer = '';
    client.on('data', (bytes: Buffer) => (answer += bytes.toString()));
    client.write(said);
    while (answer.replaceAll('you said ', '').length < said.length) await once(client, 'data');
    expect(answer.replaceAll('you said ', '')).toBe(said);
    expect(answer.split('you said ').length).toBeGreaterThan(2);
  });
});
