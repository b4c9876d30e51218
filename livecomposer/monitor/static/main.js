/** The monitor's page: what comes from the daemon goes to what shows it, what is done here to it. */

import { AudioOut } from "./audio.js";
import { Beats } from "./beats.js";
import { Offset } from "./clock.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Notes, Turns } from "./history.js";
import { Keyboard } from "./keyboard.js";
import { takeSpace } from "./panic_key.js";
import { PlayedLog } from "./played_log.js";
import { showNothing, showOpening, showPosition, showState, showTurn, turnHeard } from "./readout.js";
import { Recordings } from "./recordings.js";
import { Roll } from "./roll.js";
import { Sound } from "./sound.js";

const KEEP_MS = 30_000; // of what was played: more than a roll shows
const OVER_MS = 1000; // what was played so long ago is shown, and no more
const READ_MS = 150; // between two looks at figures: nobody reads faster
const REFUSAL_MS = 6000;
const WRITTEN_MS = 500; // after which a recording that has ended is in its folder

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const token = () => location.hash.slice(1);

const audio = new AudioOut();
const sound = new Sound(audio, $("sound"), $("sound-told"));
const recordings = new Recordings(audio);
const log = new PlayedLog($("played"), $("played-told"));
const connection = new Connection(token());
const controls = new Controls((setting, value) => wish({ type: "set", setting, value }));
const roll = new Roll(/** @type {HTMLCanvasElement} */ ($("roll")));
const keyboard = new Keyboard($("piano"), /** @type {HTMLInputElement} */ ($("typing")), play);

let daemon = new Offset();
let played = { notes: new Notes(), turns: new Turns(), beats: new Beats() };
let leader = "internal";
let state = /** @type {any} */ (null);
let trusted = false;
let readAt = 0;
let refusalTimer = 0;

function trust(/** @type {boolean} */ on) {
  trusted = on;
  for (const each of document.querySelectorAll("fieldset.trusted")) each.toggleAttribute("disabled", !on);
  keyboard.enabled = on;
}

function refuse(/** @type {string} */ reason) {
  const notice = $("refusal");
  notice.textContent = reason;
  notice.hidden = false;
  controls.yield();
  clearTimeout(refusalTimer);
  refusalTimer = setTimeout(() => (notice.hidden = true), REFUSAL_MS);
}

/** Returns whether it went out. */
function wish(/** @type {object} */ message) {
  const sent = trusted && connection.send(message);
  if (trusted && !sent) refuse("Not connected: nothing was changed.");
  return sent;
}

function play(/** @type {number} */ pitch, /** @type {number} */ velocity) {
  const sent = trusted && connection.send({ type: "play", pitch, velocity });
  if (sent || !velocity) sound.press(pitch, velocity);
}

function press(/** @type {string | undefined} */ button) {
  if (button === "panic") {
    keyboard.release();
    recordings.stop();
    sound.silence();
  }
  if (wish({ type: "press", button })) controls.tell(button);
}

/** What was shown may be of another jam; of this one, the monitor tells the last seconds again. */
function beginAnew() {
  daemon = new Offset();
  played = { notes: new Notes(), turns: new Turns(), beats: new Beats() };
  state = null;
  keyboard.show(new Map());
}

const receive = {
  welcome(/** @type {any} */ message) {
    trust(message.trusted);
    $("trust").hidden = trusted;
    recordings.refresh(trusted ? token() : "");
  },

  opening(/** @type {any} */ message) {
    for (const old of ["connection", "refusal"]) $(old).hidden = true;
    beginAnew();
    ({ leader } = message);
    controls.open(message);
    showOpening(message);
  },

  state(/** @type {any} */ message) {
    daemon.see(message.at_ms, performance.now());
    if (state?.recording && !message.recording) setTimeout(() => recordings.refresh(), WRITTEN_MS);
    state = message;
    const { at_ms: ms, settings, listeners } = message;
    played.beats.see(message);
    played.turns.see(turnHeard(message), ms);
    for (const past of Object.values(played)) past.forget(ms - KEEP_MS);
    controls.follow(settings);
    sound.follow(listeners);
  },

  keys(/** @type {any} */ { keys }) {
    for (const key of keys) {
      const [part, ms, , , pitch, velocity] = key;
      played.notes.add(key);
      const over = daemon.toTheirs(performance.now()) - ms > OVER_MS;
      if (!state || (over && velocity)) continue; // an end is never too late
      sound.play(part, pitch, velocity, daemon.toOurs(ms));
      if (velocity) log.add(part, pitch);
    }
  },

  refusal(/** @type {any} */ { reason }) {
    refuse(reason);
  },

  lost(/** @type {string} */ reason) {
    const notice = $("connection");
    notice.textContent = `${reason || "livecomposer can't be reached"}; trying again…`;
    notice.hidden = false;
    sound.silence();
    trust(false);
    beginAnew();
    showNothing();
  },
};

for (const [type, take] of Object.entries(receive)) {
  connection.addEventListener(type, (event) => take(/** @type {CustomEvent} */ (event).detail));
}

function draw(/** @type {number} */ ours) {
  requestAnimationFrame(draw);
  if (!state || document.hidden) return;
  const now = daemon.toTheirs(ours);
  roll.draw(now, played, state.planned);
  showPosition(played.beats.beatAt(now), state.running);
  keyboard.show(played.notes.sounding());
  if (ours - readAt < READ_MS) return;
  readAt = ours;
  showTurn(state);
  showState(state, leader);
}

for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-press]"))) {
  button.addEventListener("click", () => press(button.dataset.press));
}
for (const type of ["mute", "record"]) {
  // The other way than what the user has seen.
  $(type).addEventListener("click", () => wish({ type, on: $(type).getAttribute("aria-pressed") !== "true" }));
}
$("octave-down").addEventListener("click", () => keyboard.shift(-1));
$("octave-up").addEventListener("click", () => keyboard.shift(1));
$("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address keeps its token
  $("roll-title").focus();
});
takeSpace(() => press("panic"));
addEventListener("hashchange", () => connection.open(token()));

trust(false);
requestAnimationFrame(draw);
connection.open();
