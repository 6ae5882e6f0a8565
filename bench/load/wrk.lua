-- Arguments: method, file with the body or "-". Prints one line of JSON at the end.
function init(args)
  wrk.method = args[1]
  wrk.headers["user-agent"] = "bench"
  wrk.headers["accept"] = "*/*"
  if args[2] ~= "-" then
    local file = assert(io.open(args[2], "rb"))
    wrk.body = file:read("*a")
    wrk.headers["content-type"] = "application/json"
    file:close()
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"errors":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
