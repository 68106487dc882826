-- Sets what wrk's command line cannot, and prints the outcome as one line that a program can read.
-- Arguments: the size of a request body in bytes (0 for none), "close" to ask for a connection per request, how many
-- numbers are put behind the path, in turn (0 for none).

function init(args)
   local body = tonumber(args[1])
   if body > 0 then
      wrk.method = "POST"
      wrk.body = string.rep("x", body)
   end
   if args[2] == "close" then
      wrk.headers["Connection"] = "close"
   end
   local keys = tonumber(args[3])
   if keys > 0 then
      local requests, at = {}, 0
      for i = 1, keys do
         requests[i] = wrk.format(nil, wrk.path .. i)
      end
      function request()
         at = at % keys + 1
         return requests[at]
      end
   end
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format("RESULT %d %d %d %d %d %d %d %d %d\n",
      summary.requests, summary.duration, summary.bytes,
      e.connect, e.read, e.write, e.status, e.timeout, latency:percentile(99)))
end
