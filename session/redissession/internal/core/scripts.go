package core

// layout.go says how a session is stored. All of a user's keys have the shard of
// the user's tag as their hash tag, so one script sees them all, in a cluster too.
//
//	{prefix:shard}:g          epoch of the shard, number of revocations, time of RevokeEveryone, runs
//	{prefix:shard}:s:<hash>   session, or what is left of one
//	{prefix:shard}:m:<user>   epoch of the user, and time of the last RevokeUser
//	{prefix:shard}:e:<sid>    epoch of a SID, in the shard of its user
//	{prefix:shard}:u:<user>   sorted set of the hashes of a user's sessions by creation
//	{prefix:shard}:d:<user>   sorted set of the hashes of a user's last sessions that were ended, by that time
//	{prefix:shard}:o:<user>   sorted set of the hashes of what is left of a user's sessions and keys, by when it goes
//	{prefix:shard}:x:<sid>    time of the last RevokeSID, in the shard of the SID
//	{prefix:shard}:i:<sid>    set of the users with that SID, in the shard of the SID
//	{prefix:outbox}:d, :j     sorted set of job ids by due time, hash of jobs
//	{prefix:jti:<hash>}       a logout token that was used
//
// A session lives as long as it has the epochs of its shard, its user and its SID.
// They are random and are read with it, by one MGET, since the token names all four:
// whatever is lost, evicted or restored from
// an old copy, a session that was revoked has none of them back. The sets find
// sessions to list and to count, and nothing depends on them.

// prelude reads the shard's state. When Redis counts fewer revocations than this
// process has seen, or another one in the place of the last that it has seen, it has
// come back with older data, in which revoked sessions live: then all sessions of
// the shard are dead.
//
// A value that cannot be read is "?", which is a dead session.
var prelude = layout + `
local now, known, seen, base, fresh = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local function int(v, pos) return (struct.unpack('>I8', v, pos)) end
local function pack(x) return struct.pack('>I8', x) end
local function part(v, pos, size) return v:sub(pos, pos + size - 1) end
local newepoch, newrun, newuser, newsid = part(fresh, 1, 8), part(fresh, 9, 8), part(fresh, 17, 8), part(fresh, 25, 8)
local epoch, n, everyone, runs = newepoch, 0, 0, ''
local g = redis.call('GET', KEYS[1])
local there = g and #g >= RUNS - 1
if there then epoch, n, everyone, runs = g:sub(1, EPOCHSIZE), int(g, COUNT), int(g, EVERYONE), g:sub(RUNS) end
local function save()
  redis.call('SET', KEYS[1], epoch .. pack(n) .. pack(everyone) .. runs)
  there = true
end
local function bump()
  n, runs = n + 1, (newrun .. runs):sub(1, KEPTRUNS * RUNSIZE)
  save()
end
local function older()
  if n < known then return true end
  local run = part(runs, (n - known) * RUNSIZE + 1, RUNSIZE)
  return known > 0 and run ~= '' and run ~= seen
end
if older() then
  epoch, n = newepoch, math.max(n, known)
  bump()
end
local function count() return pack(n) .. part(runs, 1, RUNSIZE) end
local function sound(b)
  local st = b:byte(1)
  if st == REPLACED then return #b >= NEXT + HASHSIZE - 1 end
  if #b < USERID - 1 or st ~= LIVE then return st == REVOKED and #b >= USERID - 1 end
  local length = struct.unpack('>I4', b, LENGTH)
  return length <= #b and USERID - 1 + struct.unpack('>I2', b, USERLEN) <= length
end
local function get(key)
  local v = redis.call('GET', key)
  if not v then return nil end
  local b = v:sub(2)
  if v:byte(1) == CURRENT and sound(b) then return b end
  return '?'
end
local function put(key, v, life) redis.call('SET', key, string.char(CURRENT) .. v, 'PX', math.max(1, life)) end
local function ttl(v) return math.min(int(v, IDLE), int(v, EXPIRES)) - now + 600000 end
local function stands(v)
  if part(v, EPOCH, EPOCHSIZE) ~= epoch then return false end
  local user = redis.call('GET', base .. ':m:' .. part(v, USER, REFSIZE))
  if not user or user:sub(1, EPOCHSIZE) ~= part(v, USEREPOCH, EPOCHSIZE) then return false end
  local sid = part(v, SID, REFSIZE)
  return sid == string.rep('\0', REFSIZE) or redis.call('GET', base .. ':e:' .. sid) == part(v, SIDEPOCH, EPOCHSIZE)
end
local function state(v)
  if v:byte(1) ~= LIVE or not stands(v) then return 'R' end
  if now >= int(v, IDLE) or now >= int(v, EXPIRES) then return 'E' end
  return 'L'
end
local function member(key) return key:sub(#base + 4) end
-- last is where a key leads to, and since when it has not worked if it was replaced.
local function last(key)
  local v, stop = get(key), nil
  while v and v:byte(1) == REPLACED do
    stop = math.min(int(v, UNTIL), stop or int(v, UNTIL))
    key = base .. ':s:' .. part(v, NEXT, HASHSIZE)
    v = get(key)
  end
  return key, v, stop
end
local function resolve(key)
  local to, v, stop = last(key)
  local st = v and state(v) or stop and 'R' or 'N'
  local login = not v and member(to) == string.rep('\0', HASHSIZE) -- a new one has ended it
  if stop and now >= stop and (login or st ~= 'R') then
    local left = get(key)
    return 'P', key, left:sub(1, UNTIL - 1) .. pack(stop) .. left:sub(UNTIL + TIMESIZE)
  end
  return st, to, v or ''
end
local function cut(v) return v:sub(1, (struct.unpack('>I4', v, LENGTH))) end
local function named(v) -- from the ID to the SID
  local sidlen = USERID + struct.unpack('>I2', v, USERLEN)
  return part(v, ID, sidlen + 2 - ID + (struct.unpack('>I2', v, sidlen)))
end
local function dead(v) return string.char(REVOKED) .. pack(now) .. v:sub(IDLE, ID - 1) .. named(v) end
local function left(v, at, nexthash) return string.char(REPLACED) .. pack(at) .. nexthash .. named(v) end
local function keep(key, life) redis.call('PEXPIRE', key, math.max(redis.call('PTTL', key), life)) end
-- old lists a key that is no live session's any more, so that Forget finds it.
local function old(key, v, life)
  local index = base .. ':o:' .. part(v, USER, REFSIZE)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', now)
  redis.call('ZADD', index, now + life, member(key))
  keep(index, life)
end
local function leave(key, v, rest, life)
  put(key, rest, life)
  old(key, v, life)
end
local function kill(key, v, superseded)
  redis.call('ZREM', base .. ':u:' .. part(v, USER, REFSIZE), member(key))
  leave(key, v, superseded and left(v, now, string.rep('\0', HASHSIZE)) or dead(v), ttl(v))
  if superseded then return end
  local ended = base .. ':d:' .. part(v, USER, REFSIZE)
  redis.call('ZADD', ended, now, member(key))
  redis.call('ZREMRANGEBYRANK', ended, 0, -65)
  keep(ended, ttl(v))
end
local function endedsince(v, since) return v and v:byte(1) == REVOKED and int(v, SEEN) >= since end
local function live(index)
  local out = {}
  for _, hash in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local key = base .. ':s:' .. hash
    local v = get(key)
    if v and state(v) == 'L' then
      out[#out + 1] = {key = key, v = v, seen = int(v, SEEN), order = #out}
    elseif v ~= '?' then
      redis.call('ZREM', index, hash)
      if v and v:byte(1) == LIVE then old(key, v, ttl(v)) end
    end
  end
  return out
end
-- mark gives a user another epoch, and moves the time forward only.
local function mark(key, at, life)
  local old = redis.call('GET', key)
  if old and #old == EPOCHSIZE + TIMESIZE then at = math.max(at, int(old, EPOCHSIZE + 1)) end
  life = math.max(redis.call('PTTL', key), life, 1)
  redis.call('SET', key, newuser .. pack(at), 'PX', life)
end
`

// KEYS g, session. ARGV prelude's, if before, idle deadline.
var loadText = prelude + `
local st, key, v = resolve(KEYS[2])
if st == 'L' and int(v, SEEN) < tonumber(ARGV[6]) then
  local changed = pack(now) .. pack(tonumber(ARGV[7]))
  v = v:sub(1, SEEN - 1) .. changed .. v:sub(SEEN + #changed)
  redis.call('SETRANGE', key, SEEN, changed)
  redis.call('PEXPIRE', key, math.max(1, ttl(v)))
end
return {count(), st, v, member(key)}`

// KEYS g, session, user, mark, SID's epoch. ARGV prelude's, value, created, bound, max, policy, life of the index.
var createText = prelude + `
local bound, life = tonumber(ARGV[8]), tonumber(ARGV[11])
local m = redis.call('GET', KEYS[4])
if m and #m ~= EPOCHSIZE + TIMESIZE then m = false end
local revoked = math.max(everyone, m and int(m, EPOCHSIZE + 1) or 0)
if revoked > 0 and bound < revoked then return {count(), 'R'} end
local others, max, ended = live(KEYS[3]), tonumber(ARGV[9]), {}
if #others >= max then
  if ARGV[10] == '2' then return {count(), 'M'} end
  if ARGV[10] == '1' then
    table.sort(others, function(a, b) if a.seen ~= b.seen then return a.seen < b.seen end return a.order < b.order end)
  end
  for i = 1, #others - max + 1 do
    kill(others[i].key, others[i].v)
    ended[i] = cut(others[i].v)
  end
  bump()
end
if not there then save() end
if not m then mark(KEYS[4], 0, life) end
keep(KEYS[4], life)
local v = ARGV[6]
if part(v, SID, REFSIZE) ~= string.rep('\0', REFSIZE) then
  redis.call('SET', KEYS[5], newsid, 'NX', 'PX', life)
  keep(KEYS[5], life)
else
  newsid = string.rep('\0', EPOCHSIZE)
end
local epochs = epoch .. redis.call('GET', KEYS[4]):sub(1, EPOCHSIZE) .. (redis.call('GET', KEYS[5]) or newsid)
v = v:sub(1, EPOCH - 1) .. epochs .. v:sub(EPOCH + #epochs)
put(KEYS[2], v, ttl(v))
redis.call('ZADD', KEYS[3], ARGV[7], member(KEYS[2]))
keep(KEYS[3], life)
return {count(), 'L', unpack(ended)}`

// KEYS g, old session, new session, user. ARGV prelude's, old version, value, end of grace, created.
var replaceText = prelude + `
local st, key, v = resolve(KEYS[2])
if st ~= 'L' then return {count(), st} end
if key ~= KEYS[2] or int(v, VERSION) ~= tonumber(ARGV[6]) then return {count(), 'C'} end
local w = ARGV[7]
w = w:sub(1, EPOCH - 1) .. part(v, EPOCH, 3 * EPOCHSIZE) .. w:sub(EPOCH + 3 * EPOCHSIZE)
put(KEYS[3], w, ttl(w))
if KEYS[2] ~= KEYS[3] then
  local new = member(KEYS[3])
  leave(KEYS[2], v, left(v, math.max(tonumber(ARGV[8]), now), new), int(v, EXPIRES) - now + 600000)
  redis.call('ZREM', KEYS[4], member(KEYS[2]))
  redis.call('ZADD', KEYS[4], ARGV[9], new)
  bump()
end
return {count(), 'L'}`

// KEYS g, session. ARGV prelude's, whether the session is superseded, since when what
// has ended is returned too.
var deleteKeyText = prelude + `
local key, v, stop = last(KEYS[2])
local superseded = ARGV[6] == 'superseded'
if superseded and stop then return {count(), 'P'} end
local st = v and state(v) or 'N'
if not superseded and endedsince(v, tonumber(ARGV[7])) then return {count(), 'L', v} end
if st ~= 'L' then return {count(), st} end
kill(key, v, superseded)
bump()
return {count(), 'L', cut(v)}`

// KEYS g, user, mark, the session that is kept or the SID's epoch. ARGV prelude's,
// which, of which, life of the mark, since when what has ended is returned too.
var deleteUserText = prelude + `
local which, of, ended = ARGV[6], ARGV[7], {}
local match = {
  all = function() return true end,
  one = function(v) return part(v, ID, IDSIZE) == of end,
  others = function(v) return part(v, ID, IDSIZE) ~= of end,
  sid = function(v) return part(v, SID, REFSIZE) == of end,
}
if which == 'one' or which == 'others' then
  for _, hash in ipairs(redis.call('ZRANGEBYSCORE', base .. ':d:' .. KEYS[2]:sub(#base + 4), ARGV[9], '+inf')) do
    local v = get(base .. ':s:' .. hash)
    if endedsince(v, tonumber(ARGV[9])) and match[which](v) then ended[#ended + 1] = v end
  end
end
for _, s in ipairs(live(KEYS[2])) do
  if match[which](s.v) then
    kill(s.key, s.v)
    ended[#ended + 1] = cut(s.v)
  end
end
local st, key, v
if which == 'others' then st, key, v = resolve(KEYS[4]) end
if which == 'all' then
  mark(KEYS[3], now, tonumber(ARGV[8]))
elseif which == 'sid' then
  redis.call('DEL', KEYS[4])
elseif st == 'L' and part(v, ID, IDSIZE) == of then
  mark(KEYS[3], 0, 0)
  redis.call('SETRANGE', key, USEREPOCH, newuser)
end
if which ~= 'one' or #ended > 0 then bump() end
return {count(), 'L', unpack(ended)}`

// KEYS g, user. ARGV prelude's.
var listText = prelude + `
local out = {}
for _, s in ipairs(live(KEYS[2])) do
  out[#out + 1] = cut(s.v)
  out[#out + 1] = member(s.key)
end
return {count(), 'L', unpack(out)}`

// KEYS g. ARGV prelude's.
var everyoneText = prelude + `
epoch, everyone = newepoch, math.max(everyone, now)
bump()
return {count(), 'L'}`

// KEYS g, SID's epoch. ARGV prelude's. It ends the SID's sessions that are not listed.
var unlistedText = prelude + `
if redis.call('DEL', KEYS[2]) == 1 then bump() end
return {count(), 'L'}`

// KEYS g, user, mark. ARGV prelude's. It returns what it has removed.
var forgetText = prelude + `
local gone, user = {}, KEYS[2]:sub(#base + 4)
local ended, rest = base .. ':d:' .. user, base .. ':o:' .. user
for _, index in ipairs({KEYS[2], rest}) do
  for _, hash in ipairs(redis.call('ZRANGE', index, 0, -1)) do
    local key = base .. ':s:' .. hash
    local v = get(key)
    if v and v:byte(1) == LIVE then gone[#gone + 1] = cut(v) elseif v and v:byte(1) == REVOKED then gone[#gone + 1] = v end
    redis.call('DEL', key)
  end
end
redis.call('DEL', KEYS[2], KEYS[3], ended, rest)
bump()
return {count(), 'L', unpack(gone)}`

// KEYS g. What Redis does when its memory is full.
const policyText = `return {redis.call('INFO', 'memory')}`

// KEYS mark, index. ARGV member, life, bound. It enters nobody who signed in before
// the SID was revoked.
const joinText = `
local at = redis.call('GET', KEYS[1])
if at and tonumber(ARGV[3]) < tonumber(at) then return {} end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], math.max(redis.call('PTTL', KEYS[2]), tonumber(ARGV[2])))
return {'joined'}`

// KEYS mark, index. ARGV life, now.
const leaveText = `
local at = math.max(tonumber(ARGV[2]), tonumber(redis.call('GET', KEYS[1]) or '0'))
local life = math.max(tonumber(ARGV[1]), redis.call('PTTL', KEYS[1]))
redis.call('SET', KEYS[1], string.format('%.0f', at), 'PX', life)
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
	unlistedScript   = NewScript(unlistedText)
	policyScript     = NewScript(policyText)
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
