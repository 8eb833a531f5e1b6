// A provider without latency that counts how often it was asked for each line: `line N.` in the body. GET /counts tells how
// many lines were asked for once, twice, …; GET /reset forgets.
import { createServer } from 'node:http';

const counts = new Map();
const answer = JSON.stringify({
  id: 'chatcmpl-upstream',
  object: 'chat.completion',
  created: 1_764_000_000,
  model: 'upstream-model',
  choices: [{ index: 0, message: { role: 'assistant', content: 'x'.repeat(200) }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 120, completion_tokens: 50, total_tokens: 170 },
});

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    const times = {};
    for (const n of counts.values()) times[n] = (times[n] ?? 0) + 1;
    if (request.url === '/reset') counts.clear();
    response.setHeader('content-type', 'application/json');
    return response.end(JSON.stringify(times));
  }
  const pieces = [];
  request.on('data', (piece) => pieces.push(piece));
  request.on('end', () => {
    const line = /line (\d+)\./.exec(Buffer.concat(pieces).latin1Slice())?.[1];
    counts.set(line, (counts.get(line) ?? 0) + 1);
    response.setHeader('content-type', 'application/json');
    response.end(answer);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => process.stdout.write(`upstream at http://127.0.0.1:${server.address().port}\n`));
