import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { toFile } from 'openai';
import { eventually } from '../eventually.js';
import { chatLine } from '../support/batch-lines.js';
import { freshDatabase, type FreshDatabase } from '../support/own-postgres.js';
import { MASTER_KEY, startSluice, type SluiceUnderTest } from '../support/sluice.js';
import { temporaryFolder } from '../support/sluice-process.js';

/** One tenant's objects, and another who knows all of their ids. */
const OWNER = 'acme';
const STRANGER = 'other';

let store: FreshDatabase;
let sluice: SluiceUnderTest;
/** Ids of what the owner has, by the path that they are asked for under. */
const owned = new Map<string, string[]>();

interface Reply {
  status: number;
  headers: Record<string, string>;
  body: any;
}

async function send(
  tenant: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(`${sluice.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${MASTER_KEY}`,
      'x-sluice-tenant': tenant,
      'x-request-id': 'the-same',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const { date: _, ...rest } = Object.fromEntries(response.headers);
  return { status: response.status, headers: rest, body: text.startsWith('{') ? JSON.parse(text) : text };
}

beforeAll(async () => {
  store = await freshDatabase();
  const env = { DATABASE_URL: store.url, SLUICE_DATA_DIR: temporaryFolder() };
  sluice = await startSluice([{ profile: 'only' }], { env, yaml: 'litellm_settings: {num_retries: 0}' });
  const { group } = sluice;
  const make = async (path: string, body: unknown): Promise<string> => {
    const made = await send(OWNER, 'POST', path, body);
    expect([path, made.status < 300 ? 'made' : made.body]).toEqual([path, 'made']);
    owned.set(path, [...(owned.get(path) ?? []), made.body.id]);
    return made.body.id;
  };
  const chat = { model: group, messages: [{ role: 'user', content: 'Say hello.' }] };
  const endpoint = '/v1/chat/completions';
  await make('/v1/jobs', { endpoint, body: chat });
  await make('/v1/jobs', { endpoint, body: { ...chat, stream: true } });
  await make('/v1/jobs', { endpoint, body: chat, not_before: Math.floor(Date.now() / 1_000) + 3_600 });
  await make('/v1/responses', { model: group, input: 'Say hello.' });
  await make('/v1/responses', { model: group, input: 'Say hello.', background: true, stream: false });
  const file = await sluice.openai.files.create(
    { file: await toFile(Buffer.from(chatLine('one', group)), 'lines.jsonl'), purpose: 'batch' },
    { headers: { 'x-sluice-tenant': OWNER } },
  );
  owned.set('/v1/files', [file.id]);
  await make('/v1/batches', { input_file_id: file.id, endpoint, completion_window: '24h' });
  await make('/v1/messages/batches', { requests: [{ custom_id: 'a', params: { ...chat, max_tokens: 5 } }] });
  const hook = await make('/v1/webhook_endpoints', { url: 'https://hooks.example.com/sluice' });
  await send(OWNER, 'POST', `/v1/webhook_endpoints/${hook}/ping`);
  sluice.simulator.setProfile('only', { rules: [{ do: { status: 400, body: { error: { message: 'no' } } } }] });
  const dead = await make('/v1/jobs', { endpoint, body: { ...chat, max_tokens: 3 } });
  await send(OWNER, 'GET', `/v1/jobs/${dead}?wait=20`);
  owned.set('/v1/dead-letters', [dead]);
  await eventually(
    async () => {
      const { body } = await send(OWNER, 'GET', '/v1/deliveries');
      owned.set(
        '/v1/deliveries',
        body.data.map(({ id }: { id: string }) => id),
      );
      return body.data.length > 0;
    },
    { withinMs: 10_000, what: 'a delivery' },
  );
}, 60_000);
afterAll(async () => {
  await sluice?.stop();
  await store?.drop();
});

/** Every route with an id that Fastify serves, as `METHOD /v1/things/:id/what`. */
function routesWithIds(): string[] {
  const instance = sluice.api.getHttpAdapter().getInstance() as unknown as {
    printRoutes: (options: object) => string;
  };
  const above: string[] = [];
  const routes: string[] = [];
  for (const line of instance.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent, part, methods = ''] = /^([│ ]*)[├└]── (\S+)(?: \(([^)]*)\))?/.exec(line) ?? [];
    if (part === undefined) continue;
    const depth = indent!.length / 4;
    above.length = depth;
    above.push(part);
    const path = above.join('');
    if (!path.startsWith('/v1/') || !path.includes('/:id')) continue;
    for (const method of methods.split(', ')) {
      if (method !== '' && method !== 'HEAD' && method !== 'OPTIONS') routes.push(`${method} ${path}`);
    }
  }
  return routes;
}

/** An id of the same form that nobody has. */
const madeUp = (id: string): string => id.replace(/[0-9a-f]{20}$/, randomBytes(10).toString('hex'));
const OPERATIONS = ['/v1/workers', '/v1/deployments'];
const QUERIES = ['', '?wait=0&include=output', '?stream=true&starting_after=0', '?starting_after=1'];

describe('what one tenant has, for another who knows its ids (F33)', () => {
  it('does not exist, under every route with an id, in every respect that can be seen', async () => {
    const routes = routesWithIds().filter((route) => !OPERATIONS.some((path) => route.includes(path)));
    expect(routes.length).toBeGreaterThan(25);
    const asked = new Set<string>();
    for (const route of routes) {
      const [method, path] = route.split(' ') as [string, string];
      const [above, below] = path.split('/:id') as [string, string];
      const ids = owned.get(above);
      expect([above, ids === undefined ? 'nothing to ask for' : 'owned']).toEqual([above, 'owned']);
      for (const id of ids!) {
        for (const query of method === 'GET' ? QUERIES : ['']) {
          const body = method === 'GET' || method === 'DELETE' ? undefined : {};
          const [theirs, nobodys] = await Promise.all(
            [id, madeUp(id)].map(async (one) => {
              const reply = await send(STRANGER, method, `${above}/${one}${below}${query}`, body);
              return JSON.parse(JSON.stringify(reply).replaceAll(one, 'ID')) as Reply;
            }),
          );
          expect([route, query, theirs]).toEqual([route, query, nobodys]);
          const refused = query === '' ? [404] : [404, 400]; // some queries are refused before anything is looked for
          expect(refused).toContain(theirs!.status);
          asked.add(route);
        }
      }
    }
    expect(asked.size).toBe(routes.length);
  }, 60_000);

  it('is in no list, and nothing can be made of it', async () => {
    const lists = ['/v1/jobs', '/v1/dead-letters', '/v1/files', '/v1/batches', '/v1/messages/batches', '/v1/webhook_endpoints', '/v1/deliveries']; // prettier-ignore
    for (const list of lists) {
      const { status, body } = await send(STRANGER, 'GET', list);
      expect([list, status, body.data]).toEqual([list, 200, []]);
    }
    const [job] = owned.get('/v1/jobs')!;
    const chat = { model: sluice.group, messages: [{ role: 'user', content: 'Say hello.' }] };
    const endpoint = '/v1/chat/completions';
    const uses: [string, string, (id: string) => unknown][] = [
      ['/v1/batches', owned.get('/v1/files')![0]!, (id) => ({ input_file_id: id, endpoint, completion_window: '24h' })],
      ['/v1/responses', owned.get('/v1/responses')![0]!, (id) => ({ model: sluice.group, input: 'And?', previous_response_id: id })],
      ['/v1/jobs', owned.get('/v1/webhook_endpoints')![0]!, (id) => ({ endpoint, body: chat, webhook_endpoint_id: id })],
      ['/v1/jobs/cancel', job!, (id) => ({ ids: [id] })],
      ['/v1/jobs/redrive', job!, (id) => ({ ids: [id] })],
    ]; // prettier-ignore
    for (const [path, id, body] of uses) {
      const [theirs, nobodys] = await Promise.all(
        [id, madeUp(id)].map(async (one) => {
          const reply = await send(STRANGER, 'POST', path, body(one));
          return JSON.parse(JSON.stringify(reply).replaceAll(one, 'ID')) as Reply;
        }),
      );
      expect([path, theirs]).toEqual([path, nobodys]);
      expect(theirs!.status < 300 ? theirs!.body : {}).not.toMatchObject({ id: expect.anything() }); // nothing was made
    }
    for (const [path, ids] of owned) {
      if (path === '/v1/dead-letters') continue; // shown under /v1/jobs
      for (const id of ids) expect([path, (await send(OWNER, 'GET', `${path}/${id}`)).status]).toEqual([path, 200]);
    }
  }, 60_000);
});
