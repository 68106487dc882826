-- Sets what wrk's command line cannot, and prints the outcome as one line that a program can read.
-- Arguments: the size of a request body in bytes (0 for none), "close" to ask for a connection per request.

function init(args)
   local body = tonumber(args[1])
   if body > 0 then
      wrk.method = "POST"
      wrk.body = string.rep("x", body)
   end
   if args[2] == "close" then
      wrk.headers["Connection"] = "close"
   end
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format("RESULT %d %d %d %d %d %d %d %d %d\n",
      summary.requests, summary.duration, summary.bytes,
      e.connect, e.read, e.write, e.status, e.timeout, latency:percentile(99)))
end
