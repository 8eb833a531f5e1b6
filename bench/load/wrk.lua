-- The same POST again and again, and the result as JSON. Arguments: body, then name and value of each header.
function init(args)
  wrk.method = "POST"
  wrk.body = args[1]
  for i = 2, #args, 2 do
    wrk.headers[args[i]] = args[i + 1]
  end
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\nRESULT {"calls":%d,"seconds":%.6f,"bytes":%d,"p50Ms":%.3f,"p99Ms":%.3f,' ..
    '"errors":%d,"troubles":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    e.connect + e.read + e.write + e.status + e.timeout, e.connect, e.read, e.write, e.status, e.timeout))
end
