package core

// layout.go says how a session is stored. All of a user's keys have the shard of
// the user's tag as their hash tag, so one script sees them all, in a cluster too.
//
//	{prefix:shard}:g          epoch, number of revocations, and time of RevokeEveryone
//	{prefix:shard}:s:<hash>   session, or what is left of one
//	{prefix:shard}:u:<user>   sorted set of the hashes of a user's sessions by creation
//	{prefix:shard}:m:<user>   time of the user's last RevokeUser
//	{prefix:shard}:x:<sid>    mark of a revoked SID, in the shard of the SID
//	{prefix:shard}:i:<sid>    set of the users with that SID, in the shard of the SID
//	{prefix:outbox}:d, :j     sorted set of job ids by due time, hash of jobs
//	{prefix:jti:<hash>}       a logout token that was used

// prelude reads the shard's state. When Redis counts fewer revocations than this
// process has seen, it has come back with older data, in which revoked sessions
// live: then all sessions of the shard are dead.
//
// The last argument of every script is what put writes before a body. A body in a
// version that get cannot read is "?", and its state is X: it is neither live nor
// dead, and nothing changes it.
var prelude = layout + `
local now, known, base, front = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[#ARGV]
local epoch, n, everyone = 0, 0, 0
local g = redis.call('GET', KEYS[1])
if g then epoch, n, everyone = struct.unpack('>I8I8I8', g) end
local function save()
  redis.call('SET', KEYS[1], struct.pack('>I8I8I8', epoch, n, everyone))
end
if n < known then
  epoch, n = epoch + 1, known + 1
  save()
end
local function count() return string.format('%.0f', n) end
local function int(v, pos) return (struct.unpack('>I8', v, pos)) end
local function pack(x) return struct.pack('>I8', x) end
local function part(v, pos, size) return v:sub(pos, pos + size - 1) end
local function get(key)
  local v = redis.call('GET', key)
  if not v then return nil end
  local b = v:byte(1)
  if b == CURRENT then return v:sub(2), 1 end
  if b == LIVE or b == REVOKED or b == REPLACED then return v, 0 end
  return '?', 0
end
local function put(key, v, life) redis.call('SET', key, front .. v, 'PX', life) end
local function ttl(v)
  return math.max(1, math.min(int(v, IDLE), int(v, EXPIRES)) - now + 600000)
end
local function state(v)
  if v == '?' then return 'X' end
  if v:byte(1) ~= LIVE or int(v, EPOCH) ~= epoch then return 'R' end
  if now >= int(v, IDLE) or now >= int(v, EXPIRES) then return 'E' end
  return 'L'
end
local function resolve(key)
  local v, at = get(key)
  while v and v:byte(1) == REPLACED do
    if now >= int(v, UNTIL) then return 'R', key, v end
    local nextkey = base .. ':s:' .. part(v, NEXT, HASHSIZE)
    local nextv, nextat = get(nextkey)
    if not nextv then return 'R', key, v end
    key, v, at = nextkey, nextv, nextat
  end
  if not v then return 'N', key, '' end
  return state(v), key, v, at
end
local function enter(v) return v:sub(1, EPOCH - 1) .. pack(epoch) .. v:sub(EPOCH + TIMESIZE) end
local function cut(v) return v:sub(1, (struct.unpack('>I4', v, LENGTH))) end
local function dead(v) return string.char(REVOKED) .. v:sub(2, USERID - 1 + (struct.unpack('>I2', v, USERLEN))) end
local function bump()
  n = n + 1
  save()
end
local function kill(key, v)
  put(key, dead(v), ttl(v))
  redis.call('ZREM', base .. ':u:' .. part(v, USER, REFSIZE), key:sub(#base + 4))
end
local function live(index)
  local out, unread = {}, false
  for _, member in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local key = base .. ':s:' .. member
    local v = get(key)
    local st = v and state(v)
    if st == 'L' then
      out[#out + 1] = {key = key, v = v, seen = int(v, SEEN), order = #out}
    elseif st == 'X' then
      unread = true
    else
      redis.call('ZREM', index, member)
    end
  end
  return out, unread
end
`

// KEYS g, session. ARGV now, known, base, if before, idle deadline.
var loadText = prelude + `
local st, key, v, at = resolve(KEYS[2])
if st == 'L' and int(v, SEEN) < tonumber(ARGV[4]) then
  local changed = pack(now) .. pack(tonumber(ARGV[5]))
  v = v:sub(1, SEEN - 1) .. changed .. v:sub(SEEN + #changed)
  redis.call('SETRANGE', key, at + SEEN - 1, changed)
  redis.call('PEXPIRE', key, ttl(v))
end
return {count(), st, v, key:sub(#base + 4)}`

// KEYS g, session, user, mark. ARGV now, known, base, value, created, authenticated, max, policy, life of the index.
var createText = prelude + `
local auth = tonumber(ARGV[6])
local mark = redis.call('GET', KEYS[4])
if everyone > 0 and auth < everyone or mark and auth < tonumber(mark) then return {count(), 'R'} end
local others, max, ended = live(KEYS[3]), tonumber(ARGV[7]), {}
if #others >= max then
  if ARGV[8] == '2' then return {count(), 'M'} end
  if ARGV[8] == '1' then
    table.sort(others, function(a, b) if a.seen ~= b.seen then return a.seen < b.seen end return a.order < b.order end)
  end
  for i = 1, #others - max + 1 do
    kill(others[i].key, others[i].v)
    ended[i] = cut(others[i].v)
  end
  bump()
end
local v = enter(ARGV[4])
put(KEYS[2], v, ttl(v))
redis.call('ZADD', KEYS[3], ARGV[5], KEYS[2]:sub(#base + 4))
redis.call('PEXPIRE', KEYS[3], math.max(redis.call('PTTL', KEYS[3]), tonumber(ARGV[9])))
return {count(), 'L', unpack(ended)}`

// KEYS g, old session, new session, user. ARGV now, known, base, old version, value, end of grace, created.
var replaceText = prelude + `
local st, key, v = resolve(KEYS[2])
if st ~= 'L' then return {count(), st} end
if key ~= KEYS[2] or int(v, VERSION) ~= tonumber(ARGV[4]) then return {count(), 'C'} end
local w = enter(ARGV[5])
put(KEYS[3], w, ttl(w))
if KEYS[2] ~= KEYS[3] then
  local old, new, left = KEYS[2]:sub(#base + 4), KEYS[3]:sub(#base + 4), dead(v)
  if tonumber(ARGV[6]) > now then
    left = string.char(REPLACED) .. pack(tonumber(ARGV[6])) .. new .. left:sub(ID)
  end
  put(KEYS[2], left, ttl(v))
  redis.call('ZREM', KEYS[4], old)
  redis.call('ZADD', KEYS[4], ARGV[7], new)
  bump()
end
return {count(), 'L'}`

// KEYS g, session. ARGV now, known, base.
var deleteKeyText = prelude + `
local st, key, v = resolve(KEYS[2])
if st ~= 'L' then return {count(), st} end
kill(key, v)
bump()
return {count(), 'L', cut(v)}`

// KEYS g, user, mark. ARGV now, known, base, which, of which, life of the mark.
var deleteUserText = prelude + `
local which, of, ended = ARGV[4], ARGV[5], {}
local match = {
  all = function() return true end,
  one = function(v) return part(v, ID, IDSIZE) == of end,
  others = function(v) return part(v, ID, IDSIZE) ~= of end,
  sid = function(v) return part(v, SID, REFSIZE) == of end,
}
local found, unread = live(KEYS[2])
for _, s in ipairs(found) do
  if match[which](s.v) then
    kill(s.key, s.v)
    ended[#ended + 1] = cut(s.v)
  end
end
if tonumber(ARGV[6]) > 0 then redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[6]) end
if #ended > 0 or tonumber(ARGV[6]) > 0 then bump() end
return {count(), unread and 'X' or 'L', unpack(ended)}`

// KEYS g, user, mark. ARGV now, known, base. It returns what it has removed.
var forgetText = prelude + `
local gone = {}
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local key = base .. ':s:' .. member
  local v = get(key)
  if v and v:byte(1) == LIVE then gone[#gone + 1] = cut(v) end
  redis.call('DEL', key)
end
redis.call('DEL', KEYS[2], KEYS[3])
bump()
return {count(), 'L', unpack(gone)}`

// KEYS g, user. ARGV now, known, base.
var listText = prelude + `
local found, unread = live(KEYS[2])
local out = {}
for _, s in ipairs(found) do
  out[#out + 1] = cut(s.v)
  out[#out + 1] = s.key:sub(#base + 4)
end
return {count(), unread and 'X' or 'L', unpack(out)}`

// KEYS g. ARGV now, known, base.
var everyoneText = prelude + `
epoch, n, everyone = epoch + 1, n + 1, now
save()
return {count()}`

// KEYS mark, index. ARGV member, life. A SID that is marked has no new sessions.
const joinText = `
if redis.call('EXISTS', KEYS[1]) == 1 then return {} end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], math.max(redis.call('PTTL', KEYS[2]), tonumber(ARGV[2])))
return {'joined'}`

// KEYS mark, index. ARGV life.
const leaveText = `
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return redis.call('SMEMBERS', KEYS[2])`

// KEYS index. ARGV member.
const unjoinText = `
redis.call('SREM', KEYS[1], ARGV[1])
return {}`

// KEYS due, jobs. ARGV now, lease, how many. A job is attempts, a space, and the rest.
const takeText = `
local out = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])) do
  local job = redis.call('HGET', KEYS[2], id)
  if job then
    local attempts, rest = job:match('^(%d+) (.*)$')
    job = string.format('%d %s', attempts + 1, rest)
    redis.call('HSET', KEYS[2], id, job)
    redis.call('ZADD', KEYS[1], ARGV[2], id)
    out[#out + 1] = job
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return out`

// KEYS due, jobs. ARGV id, due, job.
const enqueueText = `
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return {}`

// KEYS due. ARGV id, due. A job that is done stays so.
const retryText = `
redis.call('ZADD', KEYS[1], 'XX', ARGV[2], ARGV[1])
return {}`

// KEYS due, jobs. ARGV id.
const doneText = `
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return {}`

// KEYS token. ARGV life.
const seenText = `
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then return {'new'} end
return {}`

var (
	loadScript       = NewScript(loadText)
	createScript     = NewScript(createText)
	replaceScript    = NewScript(replaceText)
	deleteKeyScript  = NewScript(deleteKeyText)
	deleteUserScript = NewScript(deleteUserText)
	listScript       = NewScript(listText)
	everyoneScript   = NewScript(everyoneText)
	joinScript       = NewScript(joinText)
	leaveScript      = NewScript(leaveText)
	unjoinScript     = NewScript(unjoinText)
	forgetScript     = NewScript(forgetText)
	takeScript       = NewScript(takeText)
	enqueueScript    = NewScript(enqueueText)
	retryScript      = NewScript(retryText)
	doneScript       = NewScript(doneText)
	seenScript       = NewScript(seenText)
)
