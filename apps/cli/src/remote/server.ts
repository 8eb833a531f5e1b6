import { Readable } from 'node:stream';

/** Where the commands that speak HTTP find a Sluice, and as whom. */
export interface ServerOptions {
  url: string;
  key?: string | undefined;
  tenant?: string | undefined;
}

/** What ends a command: a sentence for people, and the exit status. 1: the server refused. 2: it did not answer. */
export class CommandError extends Error {
  constructor(
    message: string,
    readonly status: 1 | 2,
  ) {
    super(message);
  }
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** A Sluice that runs, from a shell's side. */
export class Server {
  constructor(private readonly options: ServerOptions) {}

  async get<Body>(path: string, query: Query = {}): Promise<Body> {
    return (await this.send('GET', path + textOf(query))).json() as Promise<Body>;
  }

  async post<Body>(path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Body> {
    return (await this.send('POST', path, body, headers)).json() as Promise<Body>;
  }

  /** A body that is sent as it comes. */
  async upload<Body>(path: string, bytes: Readable, contentType: string): Promise<Body> {
    return (await this.send('POST', path, bytes, { 'content-type': contentType })).json() as Promise<Body>;
  }

  async delete<Body>(path: string): Promise<Body> {
    return (await this.send('DELETE', path)).json() as Promise<Body>;
  }

  /** The bytes of an answer, as they come. */
  async stream(path: string, query: Query = {}, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { body } = await this.send('GET', path + textOf(query), undefined, {}, signal);
    return body as unknown as AsyncIterable<Uint8Array>;
  }

  /** @throws CommandError */
  private async send(
    method: string,
    path: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
    signal: AbortSignal | null = null,
  ): Promise<Response> {
    const { url, key, tenant } = this.options;
    // An id that was left out ("$ID" of a variable that is not set) would ask for something else.
    if (/\/(?:\/|$)/.test(path.split('?')[0]!)) throw new CommandError('The id is empty.', 1);
    const headers: Record<string, string> = { ...more };
    if (key !== undefined) headers['authorization'] = `Bearer ${key}`;
    if (tenant !== undefined) headers['x-sluice-tenant'] = tenant;
    const isStream = body instanceof Readable;
    if (body !== undefined && !isStream) headers['content-type'] = 'application/json';
    let response: Response;
    try {
      const bytes = isStream
        ? { body: Readable.toWeb(body) as never, duplex: 'half' as const }
        : { body: JSON.stringify(body) };
      const sent = body === undefined ? {} : bytes;
      response = await fetch(new URL(`v1/${path}`, `${url.replace(/\/$/, '')}/`), { method, headers, signal, ...sent });
    } catch (error) {
      const { code } = ((error as Error).cause ?? {}) as { code?: string };
      const why = code ?? (error as Error).message;
      throw new CommandError(`No Sluice answers at ${url} (${why}). Start it, or name another with --url.`, 2);
    }
    if (response.ok) return response;
    throw new CommandError(await sentenceOf(response), 1);
  }
}

function textOf(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  return params.size === 0 ? '' : `?${params.toString()}`;
}

async function sentenceOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { error } = JSON.parse(text) as { error: { message: string; code: string } };
    const hint = error.code === 'missing_api_key' || error.code === 'invalid_api_key' ? ' Name one with --key.' : '';
    return `${error.message}${hint} (${error.code})`;
  } catch {
    return `The server answered ${response.status}, and not as Sluice does. Look at --url.`;
  }
}
