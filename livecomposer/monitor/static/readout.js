/** How the jam stands, in words and figures. */

import { barAndBeat } from "./beats.js";

const TURNS = { player: "You play", livecomposer: "livecomposer plays" };
// Where nobody plays: what a mode waits for. Only panic has solo wait.
const WAITS = { listen: "Listening", solo: "Stopped: play, or choose a mode" };
const LEADERS = { internal: "its own", midi: "MIDI", jack: "JACK" };
const LONG = 20; // letters, of which there are two lines then
const FACTS = ["tempo-fact", "clock", "key-fact", "mode-fact", "late-middle", "late-most", "skipped",
  "load", "listeners"];
const MOST_TOKENS = 24;
const MOST_CANDIDATES = 6;

const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Where it differs, so that nothing is laid out anew for nothing. */
function write(/** @type {string} */ id, /** @type {string} */ text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

function percent(/** @type {number} */ share) {
  return share < 0.0995 ? `${(100 * share).toFixed(1)} %` : `${Math.round(100 * share)} %`;
}

/** @param {{version: string, ports: string[]}} opening */
export function showOpening({ version, ports }) {
  write("version", `livecomposer ${version}`);
  write("ports", ports.join(", ") || "none");
}

/**
 * Whose turn it is to be heard: a machine that is muted has none.
 *
 * @param {any} state
 * @returns {string} "player", "livecomposer" or ""
 */
export function turnHeard({ turn, muted }) {
  return muted && turn === "livecomposer" ? "" : turn;
}

/** @param {any} state */
export function showTurn(state) {
  const { muted, settings } = state;
  const turn = turnHeard(state);
  stage(turn, muted ? "Muted" : (TURNS[turn] ?? WAITS[settings["jam.mode"]] ?? "Your turn"), muted);
}

function stage(turn, text, muted) {
  write("turn", text);
  $("turn").classList.toggle("long", text.length > LONG);
  if ($("stage").dataset.turn !== turn) $("stage").dataset.turn = turn;
  $("stage").classList.toggle("muted", muted);
}

/** Nothing is known of how the jam stands. */
export function showNothing() {
  stage("", "Not connected", false);
  showPosition(0, false);
  for (const id of FACTS) write(id, "–");
}

/** @param {number} beat @param {boolean} running */
export function showPosition(beat, running) {
  const [bar, inBar] = barAndBeat(beat);
  write("position", running ? `${bar} . ${inBar}` : "–");
  for (const [i, lamp] of [...$("lamps").children].entries()) {
    lamp.classList.toggle("on", running && i + 1 === inBar);
  }
}

/** @param {any} state @param {string} leader */
export function showState(state, leader) {
  write("tempo-fact", state.tempo_bpm.toFixed(1));
  const lock = leader === "internal" ? "" : state.running ? ", locked" : ", waiting";
  write("clock", LEADERS[leader] + lock);
  write("key-fact", state.key || "not known");
  write("mode-fact", state.settings["jam.mode"]);
  write("late-middle", `${state.late_ms[0].toFixed(2)} ms`);
  write("late-most", `${state.late_ms[1].toFixed(1)} ms`);
  write("skipped", String(state.skipped));
  write("load", percent(state.load));
  write("listeners", state.listeners === null ? "not known" : state.listeners.join(", ") || "nobody");
  press("mute", state.muted);
  press("record", state.recording);
  showContext(state.context, state.context_size);
  showCandidates(state.candidates);
}

function press(id, on) {
  $(id).setAttribute("aria-pressed", String(on));
}

function showContext(tokens, [size, most]) {
  write("context-size", `${size} of ${most}`);
  const shown = tokens.slice(-MOST_TOKENS);
  const items = resize($("context"), shown.length, "li");
  for (const [i, token] of shown.entries()) {
    if (items[i].textContent !== token) items[i].textContent = token;
  }
}

function showCandidates(candidates) {
  $("candidates-told").hidden = candidates.length > 0;
  const items = resize($("candidates"), Math.min(MOST_CANDIDATES, candidates.length), "li");
  for (const [i, item] of [...items].entries()) {
    const [token, probability] = candidates[i];
    const [name, figure, bar] = resize(item, 3, "b", "span", "i");
    bar.setAttribute("aria-hidden", "true");
    bar.style.setProperty("--share", `${100 * probability}%`);
    if (name.textContent !== token) name.textContent = token;
    if (figure.textContent !== percent(probability)) figure.textContent = percent(probability);
  }
}

/** So many children, made where they are missing. */
function resize(parent, count, ...tags) {
  while (parent.children.length > count) parent.lastElementChild.remove();
  while (parent.children.length < count) {
    parent.append(document.createElement(tags[parent.children.length % tags.length]));
  }
  return parent.children;
}
