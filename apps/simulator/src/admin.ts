import type { ServerResponse } from 'node:http';
import type { RequestFilter, RequestRecord } from './request-log.js';
import { decoded } from './routes.js';
import { mustBe, ScriptError } from './script/checks.js';
import type { World } from './world.js';

/** The routes under /_sim: scripts in, log and statistics out. A bad script is a 400 and changes nothing. */
export function serveAdmin(world: World, method: string, url: string, body: Buffer, res: ServerResponse): void {
  const { pathname, searchParams } = new URL(url, 'http://simulator');
  try {
    if (method === 'GET' && pathname === '/_sim/requests')
      return sendRecords(res, world.log.find(filterOf(searchParams)));
    const answer = answerOf(world, method, pathname, body);
    if (answer === undefined) {
      send(res, 404, { error: { message: `There is no ${method} ${pathname}. The routes: ${ROUTES}.`, param: null } });
    } else {
      send(res, 200, answer);
    }
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    send(res, 400, { error: { message: error.message, param: error.member } });
  }
}

const ROUTES =
  'GET PUT PATCH /_sim/script, GET /_sim/profiles, GET PUT PATCH DELETE /_sim/profiles/NAME, POST /_sim/reset, GET /_sim/requests, GET /_sim/stats';

function answerOf(world: World, method: string, path: string, body: Buffer): unknown {
  const profile = /^\/_sim\/profiles\/([^/]+)$/.exec(path)?.[1];
  if (profile !== undefined) {
    const name = decoded(profile);
    if (method === 'PUT') world.setProfile(name, json(body));
    else if (method === 'PATCH') world.patchProfile(name, json(body));
    else if (method === 'DELETE') world.dropProfile(name);
    else if (method !== 'GET') return undefined;
    return world.profile(name).script;
  }
  switch (`${method} ${path}`) {
    case 'PUT /_sim/script':
      world.setScript(json(body));
      return world.profile(null).script;
    case 'PATCH /_sim/script':
      world.patchScript(json(body));
      return world.profile(null).script;
    case 'GET /_sim/script':
      return world.profile(null).script;
    case 'GET /_sim/profiles':
      return { data: world.profileNames };
    case 'POST /_sim/reset':
      world.reset();
      return { reset: true };
    case 'GET /_sim/stats':
      return world.allStats();
    default:
      return undefined;
  }
}

function filterOf(query: URLSearchParams): RequestFilter {
  const filter: RequestFilter = {};
  const since = query.get('since');
  if (since !== null) {
    filter.since = Number(since);
    if (!Number.isFinite(filter.since)) throw mustBe('since', 'the n of a record, or a Unix time in ms', since);
  }
  const model = query.get('model');
  if (model !== null) filter.model = model;
  const profile = query.get('profile');
  if (profile !== null) filter.profile = profile;
  return filter;
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new ScriptError('', 'The body must be a script as JSON, such as {"rules":[{"do":{"status":500}}]}.');
  }
}

function send(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(text))]);
  res.end(text);
}

const RECORDS_AT_ONCE = 1_000;

/** In parts: a full log is longer than a string can be. */
function sendRecords(res: ServerResponse, records: RequestRecord[]): void {
  res.writeHead(200, ['content-type', 'application/json']);
  res.write('{"data":[');
  for (let i = 0; i < records.length; i += RECORDS_AT_ONCE) {
    const part = records.slice(i, i + RECORDS_AT_ONCE).map((record) => JSON.stringify(record));
    res.write(`${i === 0 ? '' : ','}${part.join(',')}`);
  }
  res.end(']}');
}
