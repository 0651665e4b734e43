-- One endpoint of the bench. Arguments after `--`: file of requests (Authorization, Cookie, path, body; tab-separated),
-- method, wanted status, what a good answer holds, "random" or the line to begin with (each line is then used once).
local lines, method, wanted, holds, random, at = {}, "GET", 200, "", true, 1
wrong, position, spent, sample = 0, 0, 0, ""
local threads = {}

function setup(thread) table.insert(threads, thread) end

function init(args)
  for line in io.lines(args[1]) do lines[#lines + 1] = line end
  method, wanted, holds = args[2], tonumber(args[3]), args[4]
  random = args[5] == "random"
  at = random and 1 or tonumber(args[5])
  math.randomseed(20261122)
end

function request()
  local n
  if random then n = math.random(#lines) else n = at; at = at + 1 end
  if n > #lines then spent = 1; n = #lines end
  position = at
  local authorization, cookie, path, body = lines[n]:match("^(.-)\t(.-)\t(.-)\t(.*)$")
  local headers = {}
  if authorization ~= "" then headers["Authorization"] = authorization end
  if cookie ~= "" then headers["Cookie"] = cookie end
  if body ~= "" then headers["Content-Type"] = "application/x-www-form-urlencoded" end
  return wrk.format(method, path, headers, body ~= "" and body or nil)
end

function response(status, headers, body)
  local where = headers["Location"] or headers["location"] or ""
  if status ~= wanted or not (body:find(holds, 1, true) or where:find(holds, 1, true)) then
    wrong = wrong + 1
    if sample == "" then sample = status .. " " .. where .. " " .. body:sub(1, 200):gsub("%s+", " ") end
  end
end

function done(summary, latency, requests)
  local thread = threads[1]
  local faults = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  print(string.format('RESULT {"requests": %d, "us": %d, "p50_us": %d, "p99_us": %d, "wrong": %d, "faults": %d, "position": %d, "spent": %d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    thread:get("wrong"), faults, thread:get("position"), thread:get("spent")))
  local seen = thread:get("sample")
  if seen ~= "" then print("SAMPLE " .. seen) end
end
