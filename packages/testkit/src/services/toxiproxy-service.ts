import type { StartedToxiProxyContainer } from '@testcontainers/toxiproxy';
import { Toxiproxy, type ICreateToxicBody, type Proxy as ApiProxy } from 'toxiproxy-node-client';
import { imagesOf, processLabel, startContainer } from './container-image.ts';
import { urlFor, type Service } from './started-service.ts';

/** What a proxy does to bytes; `attributes` as in Toxiproxy's documentation, times in ms and rates in KB/s. */
export interface Toxic {
  readonly type: 'latency' | 'bandwidth' | 'slow_close' | 'timeout' | 'slicer' | 'limit_data' | 'reset_peer';
  /** To the client is downstream. */
  readonly stream: 'upstream' | 'downstream';
  readonly attributes: Readonly<Record<string, number>>;
}

/** Toxiproxy, and the proxies that it has. `WEIR_TEST_TOXIPROXY_URL` names the API of one that runs. */
export class ToxiproxyService implements Service {
  readonly title = 'toxiproxy';
  readonly variable = 'WEIR_TEST_TOXIPROXY_URL';
  #container: StartedToxiProxyContainer | null = null;
  #proxies = 0;

  async start(): Promise<void> {
    if (urlFor(this) !== null) return;
    const { ToxiProxyContainer } = await import('@testcontainers/toxiproxy');
    this.#container = await startContainer(imagesOf('toxiproxy'), async (image) =>
      new ToxiProxyContainer(image).withLabels(processLabel()).start(),
    );
  }

  async stop(): Promise<void> {
    await this.#container?.stop({ timeout: 0 });
    this.#container = null;
  }

  /** A new proxy. @param upstream `host:port` as Toxiproxy reaches it */
  async proxy(upstream: string): Promise<ToxicProxy> {
    const name = `weir-${process.pid}-${++this.#proxies}`;
    if (this.#container !== null) {
      const { host, port, instance } = await this.#container.createProxy({ name, upstream, enabled: true });
      return new ToxicProxy(instance, host, port);
    }
    const api = new URL(urlFor(this)!);
    const instance = await new Toxiproxy(api.origin).createProxy({ name, upstream, listen: `${api.hostname}:0` });
    return new ToxicProxy(instance, api.hostname, Number(instance.listen.slice(instance.listen.lastIndexOf(':') + 1)));
  }
}

/** A port that stays, before a server; removed with its toxics when it is disposed. */
export class ToxicProxy implements AsyncDisposable {
  readonly #api: ApiProxy;
  readonly #host: string;
  readonly #port: number;
  #toxics = 0;

  constructor(api: ApiProxy, host: string, port: number) {
    this.#api = api;
    this.#host = host;
    this.#port = port;
  }

  /** The same URL by way of the proxy. */
  through(url: string): string {
    const proxied = new URL(url);
    proxied.hostname = this.#host;
    proxied.port = String(this.#port);
    return proxied.href;
  }

  /** Does something to all bytes, until the answer is disposed. */
  async add(toxic: Toxic): Promise<AsyncDisposable> {
    const body: ICreateToxicBody<Toxic['attributes']> = { ...toxic, name: `toxic-${++this.#toxics}`, toxicity: 1 };
    const added = await this.#api.addToxic(body);
    return { [Symbol.asyncDispose]: async () => await added.remove() };
  }

  /** Off, it ends its connections and refuses others. */
  async enable(enabled: boolean): Promise<void> {
    const { listen, upstream } = this.#api;
    await this.#api.update({ enabled, listen, upstream });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api.remove();
  }
}
