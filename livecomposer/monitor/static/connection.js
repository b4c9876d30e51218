/** The WebSocket to the monitor, opened again whenever it is lost. */

const FIRST_MS = 250;
const MOST_MS = 3000;

export class Connection extends EventTarget {
  #socket = /** @type {WebSocket | null} */ (null);
  #wait = FIRST_MS;
  #token;

  /**
   * Dispatches each message as an event of its `type`, with the message as its `detail`; and "lost"
   * whenever there is no connection, with the reason, if any was given.
   *
   * @param {string} token
   */
  constructor(token) {
    super();
    this.#token = token;
  }

  /** @param {string} [token] another one */
  open(token = this.#token) {
    this.#token = token;
    this.#socket?.close();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/live`);
    this.#socket = socket;
    socket.addEventListener("open", () => this.send({ type: "enter", token: this.#token }));
    socket.addEventListener("message", ({ data }) => {
      this.#wait = FIRST_MS; // it is open, and wanted
      const message = JSON.parse(data);
      this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
    });
    socket.addEventListener("close", ({ reason }) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.dispatchEvent(new CustomEvent("lost", { detail: reason }));
      setTimeout(() => this.#socket ?? this.open(), this.#wait);
      this.#wait = Math.min(2 * this.#wait, MOST_MS);
    });
  }

  /**
   * @param {object} message
   * @returns {boolean} whether it went out
   */
  send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }
}
