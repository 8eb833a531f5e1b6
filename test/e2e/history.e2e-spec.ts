import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { Entry } from '../support/history/entry.js';
import { WireTap } from '../support/history/exchange.js';
import { violationsIn } from '../support/history/judge.js';
import { entriesOf } from '../support/history/read-exchange.js';

const accepted = (job: string, more: object = {}): Entry =>
  ({ what: 'accepted', job, isDurable: true, atMs: 1, ...more }) as Entry;
const ended = (job: string, more: object = {}): Entry =>
  ({ what: 'ended', job, state: 'completed', said: 'all of it', through: 'job', atMs: 100, ...more }) as Entry;
const asked = (more: object = {}): Entry =>
  ({ what: 'asked', prompt: 'p', deployment: 'd', status: 200, isWhole: true, atMs: 50, ...more }) as Entry;
const blocked = { fromMs: 1_000, untilMs: 5_000 };
const hook = { url: 'http://there/hook', secret: 'whsec_', isFiltered: false };
const tried = (more: object = {}): Entry =>
  ({
    what: 'tried',
    url: hook.url,
    webhookId: 'evt_a',
    eventId: 'evt_a',
    type: 'job.completed',
    job: 'a',
    ...more,
  }) as Entry;
const events = (seqs: number[], more: object = {}): Entry =>
  ({
    what: 'events_read',
    job: 'a',
    fromSeq: 0,
    seen: seqs.map((seq) => ({ seq, digest: `event ${seq}` })),
    isEnded: true,
    ...more,
  }) as Entry;
const stream = (more: object = {}): Entry =>
  ({ what: 'stream_read', job: 'a', hasFinish: true, isDone: true, hasError: false, after: 0, ...more }) as Entry;
const batch = (more: object = {}): Entry =>
  ({
    what: 'batch',
    batch: 'b',
    input: 'in',
    by: {},
    status: 'completed',
    isOver: true,
    total: 2,
    completed: 1,
    failed: 1,
    files: ['out', 'err'],
    atMs: 10,
    ...more,
  }) as Entry;
const lines = (file: string, ids: string[], digest = 'd'): Entry => ({
  what: 'lines',
  file,
  lines: ids.map((id) => ({ id, digest })),
  atMs: 20,
});
const uploaded: Entry = {
  what: 'uploaded',
  file: 'in',
  lines: ['1', '2'].map((id) => ({ id, prompt: `line ${id}` })),
};
const keyed = (job: string, more: object = {}): Entry =>
  ({ what: 'keyed', key: 'k', fingerprint: 'f', job, atMs: 1, ...more }) as Entry;

/** The checker of the fault tests is itself tried on histories that break each promise. */
describe('the history checker', () => {
  const found = (log: Entry[], lateMs = 0): string[] =>
    violationsIn(log, lateMs).map((sentence) => sentence.slice(0, 2));

  it.each<[string, Entry[]]>([
    ['each job has its one end, however often and by whichever way it is seen', [
      accepted('a', { prompt: 'p', hook }), accepted('b', { isDurable: false, prompt: 'p' }),
      asked({ atMs: 40 }), asked({ isWhole: false, atMs: 50 }), asked({ atMs: 60 }),
      ended('a'), ended('a', { through: 'result', digest: 'x' }), ended('a', { through: 'result', digest: 'x', atMs: 900 }),
      ended('a', { through: 'list', said: undefined, atMs: 950 }),
      ended('b', { state: 'completed' }), tried(), tried({ isSigned: true }),
      { what: 'looked', job: 'a', state: 'running', askedAtMs: 99 },
    ]],
    ['an error is told by its code here and by its state there', [
      accepted('a'), ended('a', { state: 'error', said: 'provider_error' }), ended('a', { state: 'failed', said: 'provider_error' }),
    ]],
    ['a plain call that nobody follows any more is forgotten in time', [
      accepted('a', { isDurable: false }), { what: 'gone', job: 'a', prompt: undefined, atMs: 60_000 },
    ]],
    ['a job is erased', [accepted('a'), { what: 'erased', job: 'a' }]],
    ['readers of events come back where they were cut', [
      accepted('a'), ended('a'), events([1, 2], { isEnded: false }), events([3, 4], { fromSeq: 2 }), events([9]),
    ]],
    ['a key is tried again after a failure', [
      keyed('a'), keyed('a'), ended('a', { state: 'error', said: 'provider_error' }), keyed('b'), keyed('c', { fingerprint: 'g' }),
    ]],
    ['a call may have become a job or not', [{ what: 'cut', job: undefined, prompt: 'p', atMs: 10 }, asked()]],
    ['a deployment is called again when its time is over, and by who had begun', [
      asked({ status: 429, isWhole: false, blocked }), asked({ atMs: 1_200, status: 429 }), asked({ atMs: 5_000 }),
    ]],
    ['each line has its end in one of the files', [batch({ isOver: false, status: 'in_progress' }), batch(), lines('out', ['1']), lines('err', ['2'])]],
    ['a line is asked for again until it is answered', [
      uploaded, batch(), lines('out', ['1']), lines('err', ['2']), asked({ prompt: 'line 1', isWhole: false, atMs: 5 }), asked({ prompt: 'line 1', atMs: 9 }),
    ]],
  ])('finds nothing where %s', (_what, log) => {
    expect(violationsIn(log, 0)).toEqual([]);
  }); // prettier-ignore

  it.each<[string, string, Entry[]]>([
    ['I1', 'an answer here and an error there', [ended('a'), ended('a', { state: 'error', said: 'provider_error' })]],
    ['I1', 'two errors', [ended('a', { state: 'error', said: 'x' }), ended('a', { state: 'failed', said: 'y' })]],
    ['I1', 'two states', [ended('a', { state: 'failed', said: 'x' }), ended('a', { state: 'expired', said: 'x' })]],
    ['I1', 'two texts', [ended('a'), ended('a', { said: 'all of' })]],
    ['I1', 'a result that changed', [ended('a', { digest: 'x' }), ended('a', { digest: 'y' })]],
    ['I1', 'an account that changed', [ended('a', { account: '[1]' }), ended('a', { account: '[2]' })]],
    ['I1', 'a job that runs again', [ended('a'), { what: 'looked', job: 'a', state: 'running', askedAtMs: 101 }]],
    ['I1', 'two jobs of one key', [keyed('a'), ended('a'), keyed('b')]],
    ['I2', 'a job without an end', [accepted('a')]],
    ['I2', 'a job that is gone', [accepted('a'), { what: 'gone', job: 'a', prompt: undefined, atMs: 90_000 }]],
    ['I2', 'a call whose record is gone', [accepted('a', { isDurable: false }), { what: 'gone', job: 'a', prompt: undefined, atMs: 9 }]],
    ['I3', 'a provider call after the end', [accepted('a', { prompt: 'p' }), ended('a'), asked(), asked({ atMs: 101 })]],
    ['I3', 'a provider call for a call that was refused', [{ what: 'refused', prompt: 'p', code: 'storage_unavailable', atMs: 10 }, asked()]],
    ['I4', 'an answer that no provider gave', [accepted('a', { prompt: 'p' }), ended('a'), asked({ isWhole: false })]],
    ['I4', 'a stream without a last word', [stream({ isDone: false })]],
    ['I4', 'a stream without a finish', [stream({ hasFinish: false })]],
    ['I4', 'a stream that goes on after its end', [stream({ after: 1 })]],
    ['I1', 'a gap in the events', [events([1, 3, 4])]],
    ['I1', 'an event twice', [events([1, 1, 2])]],
    ['I1', 'an event that changed', [events([1, 2]), events([1, 2], { seen: [{ seq: 1, digest: 'other' }] })]],
    ['I6', 'a call to a deployment that asked for time', [asked({ status: 429, isWhole: false, blocked }), asked({ atMs: 2_000 })]],
    ['I1', 'a callback under another id', [ended('a'), tried(), tried({ webhookId: 'evt_b', eventId: 'evt_b' })]],
    ['I1', 'a webhook-id that is not its event’s', [tried({ webhookId: 'evt_b' })]],
    ['I1', 'a callback that nobody signed', [tried({ isSigned: false })]],
    ['I1', 'two ends in callbacks', [tried(), tried({ type: 'job.failed' })]],
    ['I1', 'a callback that says another end', [ended('a', { state: 'failed', said: 'x' }), tried()]],
    ['I2', 'a callback that never came', [accepted('a', { hook }), ended('a')]],
    ['I2', 'a batch without an end', [batch({ isOver: false, status: 'in_progress' })]],
    ['I1', 'a batch that changed after its end', [batch(), batch({ status: 'cancelled' })]],
    ['I2', 'lines without an end', [batch({ total: 3 })]],
    ['I2', 'fewer lines than were counted', [batch(), lines('out', [])]],
    ['I1', 'a line with two ends', [batch(), lines('out', ['1']), lines('err', ['1'])]],
    ['I3', 'a provider call for a line of a batch that is over', [uploaded, batch(), asked({ prompt: 'line 2', atMs: 11 })]],
    ['I4', 'a line whose answer no provider gave', [uploaded, batch(), lines('out', ['1']), asked({ prompt: 'line 1', isWhole: false, atMs: 5 })]],
    ['I1', 'a line that changed', [lines('out', ['1']), lines('out', ['1'], 'other')]],
  ])('%s: finds %s', (invariant, _what, log) => {
    expect(found(log)).toEqual([invariant]);
  }); // prettier-ignore

  it('allows for its own lateness', () => {
    const log = [accepted('a', { prompt: 'p' }), ended('a'), asked(), asked({ atMs: 101 })];
    expect([found(log, 0), found(log, 5)]).toEqual([['I3'], []]);
  });

  it('hears what callers send and are answered, also while it comes: a tap that is deaf would find nothing', async () => {
    const answers = [
      ['{"id":"job_1","status":"queued"}', 202],
      ['{"id":"job_1","status":"completed"}', 200],
      ['{"id":"job_1","status":"failed","error":{"code":"provider_error"}}', 200],
    ] as const;
    let asked = 0;
    const server = createServer((request, response) => {
      const [body, status] = answers[asked++] ?? ['data: {"seq":1,"type":"job.queued"}\n\n', 200];
      request.resume().on('end', () => {
        response.writeHead(status, { 'content-type': 'application/json' }).write(body);
        if (asked <= answers.length) response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const log: Entry[] = [];
    const tap = new WireTap(
      (to) => to === origin,
      (exchange) => log.push(...entriesOf(exchange)),
    );
    const job = { endpoint: '/v1/chat/completions', body: { messages: [{ role: 'user', content: 'tell me' }] } };
    await (await fetch(`${origin}/v1/jobs`, { method: 'POST', body: JSON.stringify(job) })).text();
    for (let looks = 0; looks < 2; looks++) await (await fetch(`${origin}/v1/jobs/job_1`)).text();
    const reading = (await fetch(`${origin}/v1/jobs/job_1/events`)).body!.getReader();
    await reading.read();
    const unfinished = tap.unfinished().flatMap(entriesOf);
    tap.stop();
    await reading.cancel();
    server.close();
    expect(log[0]).toMatchObject({ what: 'accepted', job: 'job_1', prompt: 'tell me', isDurable: true });
    expect(unfinished).toMatchObject([{ what: 'events_read', seen: [{ seq: 1 }] }]);
    expect(new Set(found(log))).toEqual(new Set(['I1']));
  });
});

const FAULTS = join(import.meta.dirname, '../faults');
/** Nobody calls there: it is about the sweep of a full Redis alone. */
const WITHOUT_CALLERS = ['f11-redis-full-sweeps.fault-spec.ts'];

it('stands behind every fault test', () => {
  const specs = readdirSync(FAULTS, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('-spec.ts'));
  const isWatched = (name: string): boolean =>
    /new Cluster\(|new Watch\(|isWatched: true/.test(readFileSync(join(FAULTS, name), 'utf8'));
  expect(specs.length).toBeGreaterThan(30);
  expect(specs.filter((name) => !isWatched(name))).toEqual(WITHOUT_CALLERS);
});
