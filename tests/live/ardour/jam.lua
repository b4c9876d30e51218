-- Plays a session in Ardour and records the answers: jam.lua FOLDER jack|midi BEATS

local folder, source, beats = arg[1], arg[2], tonumber(arg[3])

AudioEngine:set_backend("JACK", "ardour", "")
local session = load_session(folder, "jam")

-- Connected once it is loaded: a track that comes with its connections doesn't record.
local function connect(port, other)
	assert(port:connect(other .. ":" .. other) == 0, other .. " can't be connected")
end

local function wait_until(done)
	local deadline = os.time() + 10
	while not done() do
		assert(os.time() < deadline, "the transport doesn't move as it is told to")
		sleep(0.02)
	end
end

local answers = session:route_by_name("answers")
connect(session:route_by_name("me"):output():nth(0), "livecomposer in")
connect(answers:input():nth(0), "livecomposer out")

if source == "jack" then
	session:cfg().jack_time_master = true -- Transport > Time Master
	session:cfg().external_sync = true -- in step with JACK's transport, which it starts and stops
else
	ARDOUR.config().send_midi_clock = true
	local _, ports = AudioEngine:get_ports(ARDOUR.DataType("midi"), ARDOUR.PortList())
	for port in ports[2]:iter() do
		if port:name() == "MIDI Clock out" then
			connect(port, "livecomposer in")
		end
	end
end

answers:to_track():rec_enable_control():set_value(1, PBD.GroupControlDisposition.NoGroup)
session:maybe_enable_record()
sleep(0.5)
session:request_roll(ARDOUR.TransportRequestSource.TRS_UI)
wait_until(function() return session:transport_sample() > beats * 60 / 150 * 48000 end)
session:request_stop(false, false, ARDOUR.TransportRequestSource.TRS_UI)
wait_until(function() return not session:actively_recording() end)
sleep(0.5)
session:save_state("", false, false, false, false, false)
session:close()
