-- The cluster's names, as a module of Knot Resolver: answers what podlab-dns wrote down, and forwards the rest.
--
-- podlab-dns writes two files and then calls `podlab.follow()` on the control socket:
--   records  a line a name: `+ NAME TYPE:DATA ...` it has these records, `- NAME` it is gone. The first line names the
--            file: lines are only ever added to it, and one with another first line is read from its beginning.
--   config   `zone NAME SOA` nothing else knows of names below it, `pods NAME` names below a namespace's are made of
--            addresses, `forward NAME ADDRESS@PORT ...` who is asked about all else at NAME and below.
-- Names and data are hexadecimal digits of their wire form. Until both files are there nothing listens, so that no answer
-- is false; after a restart of this server they are, and it answers at once.

local bit = require('bit')
local ffi = require('ffi')
local kres = require('kres')
local policy = require('kres_modules.policy') -- for its actions alone, none of its rules
local C = ffi.C

local TTL_S = 5
local IN = kres.class.IN
local A, AAAA, CNAME, SOA, SRV = kres.type.A, kres.type.AAAA, kres.type.CNAME, kres.type.SOA, kres.type.SRV
-- Answers of many records name no addresses beside them: the client asks for those that it wants.
local MOST_WITH_ADDRESSES = 16
-- A longer chain of names is taken for a loop.
local MOST_FOLLOWED = 10

local M = {
	directory = nil, -- of the files
	on_ready = function () end, -- begins to listen; called once
	ready = false,
}
local nodes = {} -- name -> type -> list of data
local read_up_to, file_read = 0, nil
local zones, forwards, pods = {}, {}, nil
local config_read = nil
local turn = 0
-- Questions by what became of them.
local counts = { answered = 0, empty = 0, absent = 0, forwarded = 0, failed = 0 }

-- Compiled as it runs, which functions on strings are not: tens of thousands of names are read at a start.
local value_of = ffi.new('uint8_t[256]')
for value = 0, 15 do value_of[string.format('%x', value):byte()] = value end
local room = ffi.new('uint8_t[65536]')
local function unhex(digits)
	if #digits % 2 ~= 0 then error('records: half a byte: ' .. digits:sub(1, 80)) end
	local count = #digits / 2
	local digit = ffi.cast('const uint8_t *', digits)
	for i = 0, count - 1 do
		room[i] = value_of[digit[2 * i]] * 16 + value_of[digit[2 * i + 1]]
	end
	return ffi.string(room, count)
end

-- The name without its first label; nil for the root.
local function parent(name)
	local length = name:byte(1)
	if length == 0 then return nil end
	return name:sub(length + 2)
end

-- The longest key of the table at the name or above it, and its value.
local function closest(found, name)
	while name ~= nil do
		local value = found[name]
		if value ~= nil then return name, value end
		name = parent(name)
	end
	return nil
end

local function take_line(into, line)
	local sign, name, rest = line:match('^([+-]) (%x+)(.*)$')
	if sign == nil then error('records: a line that is none: ' .. line:sub(1, 80)) end
	if sign == '-' then
		into[unhex(name)] = nil
		return
	end
	local node, seen = {}, 0
	for number, data in rest:gmatch(' (%d+):(%x+)') do
		seen = seen + #number + #data + 2
		number = tonumber(number)
		local list = node[number]
		if list == nil then
			list = {}
			node[number] = list
		end
		list[#list + 1] = unhex(data)
	end
	if seen ~= #rest then error('records: a line that is damaged: ' .. line:sub(1, 80)) end
	into[unhex(name)] = node
end

-- Whole lines of what the file holds from there.
local function lines_from(file, offset)
	file:seek('set', offset)
	local text = file:read('*a')
	return text:match('^(.*\n)') or ''
end

local function read_all(path)
	local file = io.open(path, 'r')
	if file == nil then return nil end
	local text = file:read('*a')
	file:close()
	return text
end

-- Takes in what was added to the records. Returns false while there is no such file. Of a file that is damaged nothing
-- is believed: it raises an error.
local function read_records()
	local file = io.open(M.directory .. '/records', 'r')
	if file == nil then return false end
	local first = file:read('*l')
	if first == nil or first:sub(1, 2) ~= '@ ' then error('records: the first line is none') end
	local into, from = nodes, read_up_to
	if first ~= file_read then into, from = {}, #first + 1 end
	local added = lines_from(file, from)
	file:close()
	for line in added:gmatch('[^\n]+') do take_line(into, line) end
	nodes, read_up_to, file_read = into, from + #added, first
	return true
end

local function take_config(text)
	local new_zones, new_forwards, new_pods = {}, {}, nil
	for line in text:gmatch('[^\n]+') do
		local what, name, rest = line:match('^(%a+) (%x+) ?(.*)$')
		if what == 'zone' then
			new_zones[unhex(name)] = unhex(rest)
		elseif what == 'pods' then
			new_pods = unhex(name)
		elseif what == 'forward' then
			local targets = {}
			for target in rest:gmatch('%S+') do targets[#targets + 1] = target end
			new_forwards[unhex(name)] = policy.STUB(targets)
		else
			error('config: a line that is none: ' .. line:sub(1, 80))
		end
	end
	zones, forwards, pods = new_zones, new_forwards, new_pods
end

-- `WHAT=NUMBER ...`: how many questions came since the start, by what became of them.
function M.figures()
	local found = {}
	for what, number in pairs(counts) do found[#found + 1] = string.format('%s=%d', what, number) end
	return table.concat(found, ' ')
end

-- At a start: reads the files. While they are damaged or not there, nothing listens; podlab-dns writes them anew.
function M.start()
	local fine, why = pcall(M.follow)
	if not fine then io.stderr:write('podlab: ', tostring(why), '; waiting for podlab-dns to write it anew\n') end
end

-- Reads what was added to the files. Returns how many bytes of records have been read.
function M.follow()
	local config = read_all(M.directory .. '/config')
	if config == nil or not read_records() then return read_up_to end
	if config ~= config_read then
		take_config(config)
		if config_read ~= nil then cache.clear() end -- others may be asked now
		config_read = config
	end
	if not M.ready then
		M.ready = true
		M.on_ready()
	end
	return read_up_to
end

-- The data of a name that is made of an address, such as 10-244-0-5 in a namespace that there is; nil for other names.
local function of_pod(name, rrtype)
	local namespace = parent(name)
	if pods == nil or namespace == nil or namespace == '\0' or parent(namespace) ~= pods or nodes[namespace] == nil then
		return nil
	end
	local label = name:sub(2, name:byte(1) + 1)
	local address = kres.str2ip(label:match('^%d+%-%d+%-%d+%-%d+$') and label:gsub('-', '.') or (label:gsub('-', ':')))
	if address == nil then return nil end
	return rrtype == (#address == 4 and A or AAAA) and { address } or {}
end

-- What is to be said about a question: records and their type, or the zone in which there are none, and whether the
-- name exists there. Nothing at all about names that are for others.
local function find(name, rrtype)
	local node = nodes[name]
	if node ~= nil then
		if node[rrtype] ~= nil then return node[rrtype], rrtype end
		if node[CNAME] ~= nil then return node[CNAME], CNAME end
	end
	local zone = closest(zones, name)
	if zone == nil then return nil, nil, nil, false end
	if node ~= nil then return nil, nil, zone, true end
	local made = of_pod(name, rrtype)
	if made == nil then return nil, nil, zone, false end
	if #made > 0 then return made, rrtype end
	return nil, nil, zone, true
end

-- The next answer to the same question begins with another record.
local function put_all(pkt, name, rrtype, list)
	local count = #list
	local first = count > 1 and turn % count or 0
	turn = turn + 1
	for i = 0, count - 1 do
		local data = list[(first + i) % count + 1]
		if C.kr_pkt_put(pkt, name, TTL_S, IN, rrtype, data, #data) ~= 0 then return false end
	end
	return true
end

local function put_addresses(pkt, targets)
	pkt:begin(kres.section.ADDITIONAL)
	for _, data in ipairs(targets) do
		local target = data:sub(7) -- behind priority, weight and port
		local node = nodes[target]
		for _, rrtype in ipairs({ A, AAAA }) do
			for _, address in ipairs(node and node[rrtype] or {}) do
				C.kr_pkt_put(pkt, target, TTL_S, IN, rrtype, address, #address)
			end
		end
	end
end

local function count(what) counts[what] = counts[what] + 1 end

local function put_found(pkt, name, list, rrtype, zone, exists)
	if list ~= nil then
		pkt:begin(kres.section.ANSWER)
		if put_all(pkt, name, rrtype, list) and rrtype == SRV and #list <= MOST_WITH_ADDRESSES then
			put_addresses(pkt, list)
		end
		return
	end
	if not exists then pkt:rcode(kres.rcode.NXDOMAIN) end
	pkt:begin(kres.section.AUTHORITY)
	C.kr_pkt_put(pkt, zone, TTL_S, IN, SOA, zones[zone], #zones[zone])
end

local function asked_name(qry) return ffi.string(qry.sname, C.knot_dname_size(qry.sname)) end

-- A chain of CNAMEs among our names: its links, and the name that it ends with; nil where it goes round.
local function chain_from(name)
	local links = {}
	for _ = 1, MOST_FOLLOWED do
		local node = nodes[name]
		if node == nil or node[CNAME] == nil then return links, name end
		links[#links + 1] = name
		name = node[CNAME][1]
	end
	return links, nil
end

local function forward(state, req, name)
	local _, action = closest(forwards, name)
	count(action ~= nil and 'forwarded' or 'failed')
	if action ~= nil then return action(state, req) end
	return kres.FAIL -- nobody to ask: SERVFAIL, for the name may well exist
end

M.layer = {
	-- Called once for each request. Questions are answered here in one step, but for CNAMEs that lead to names which are not
	-- ours: these the resolver follows.
	begin = function (state, req)
		local qry = req.current_query
		if qry == nil then return state end
		local name = asked_name(qry)
		local list, rrtype, zone, exists = find(name, qry.stype)
		if list == nil and zone == nil then return forward(state, req, name) end
		local links = {}
		if rrtype == CNAME and qry.stype ~= CNAME then
			links, name = chain_from(name)
			if name == nil then
				count('failed')
				return kres.FAIL
			end
			list, rrtype, zone, exists = find(name, qry.stype)
			if list == nil and zone == nil then
				-- Not this question but the one for the target goes there, and takes over the request's options.
				state = forward(state, req, name)
				qry.flags.STUB = false
				req.options.STUB = true
				req.options.NO_MINIMIZE = true
				return state
			end
		end
		local answer = req:ensure_answer()
		if answer == nil then return state end
		C.kr_pkt_make_auth_header(answer)
		answer:rcode(kres.rcode.NOERROR)
		answer:begin(kres.section.ANSWER)
		for _, link in ipairs(links) do put_all(answer, link, CNAME, nodes[link][CNAME]) end
		put_found(answer, name, list, rrtype, zone, exists)
		count(list ~= nil and 'answered' or exists and 'empty' or 'absent')
		return kres.DONE
	end,
	-- Parts of an answer, as if another server had given them. They are limited to that server's size, and never cached.
	produce = function (state, req, pkt)
		local qry = req.current_query
		if qry == nil or bit.band(state, kres.FAIL) ~= 0 then return state end
		local name = asked_name(qry)
		local list, rrtype, zone, exists = find(name, qry.stype)
		if list == nil and zone == nil then return state end
		C.kr_pkt_recycle(pkt)
		pkt:question(name, qry.sclass, qry.stype)
		pkt:aa(true)
		put_found(pkt, name, list, rrtype, zone, exists)
		pkt:tc(false) -- there is no other way to ask for the rest
		qry.flags.STUB = false
		qry.flags.DNSSEC_WANT = false
		qry.flags.CACHED = true
		qry.flags.NO_MINIMIZE = true
		pkt.parsed = pkt.size
		pkt:qr(true)
		return kres.DONE
	end,
}

return M
