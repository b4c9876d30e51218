// What the tests of the page look at it with, put into it before it loads.

window.sounds = [];
document.addEventListener("sound", ({ detail }) => window.sounds.push(detail));

/** Names of boxes that lie on each other. */
function pairs(boxes) {
  return boxes.flatMap(([name, box], i) => boxes.slice(i + 1)
    .filter(([, other]) =>
      Math.min(box.right, other.right) - Math.max(box.left, other.left) > 1 &&
      Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top) > 3)
    .map(([other]) => [name, other]));
}

window.probe = {
  /** A canvas's pixels: red, green, blue and alpha of each, row by row. */
  picture(id) {
    const canvas = document.getElementById(id);
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  },

  /** A column of them, as text. */
  column(id, x) {
    const { data, width, height } = this.picture(id);
    return Array.from({ length: height }, (_, y) => data.slice(4 * (y * width + x), 4 * (y * width + x) + 3)).join();
  },

  /** How many of them are of a colour of the theme. */
  count(id, colour) {
    const wanted = this.rgb(this.ofTheme(colour));
    const { data } = this.picture(id);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      count += wanted.slice(0, 3).every((value, channel) => data[i + channel] === value);
    }
    return count;
  },

  ofTheme(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
  },

  themeContrast(one, other) {
    return this.contrast(this.ofTheme(one), this.ofTheme(other));
  },

  /** Any CSS colour as red, green, blue (0-255) and alpha (0-1). */
  rgb(colour) {
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  },

  /** The contrast of two colours: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
  contrast(one, other) {
    const luminance = (colour) => {
      const [red, green, blue] = this.rgb(colour)
        .slice(0, 3)
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  },

  /** What is behind an element: the first colour on the way up that can't be seen through. */
  behind(element) {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (this.rgb(colour)[3] === 1) return colour;
    }
    return "white";
  },

  /** Whether an element can be seen by who scrolls there. */
  isVisible(element) {
    const isCut = getComputedStyle(element).clipPath !== "none";
    return element.checkVisibility() && !isCut && !element.closest(".unseen, .skip, noscript");
  },

  /** Each piece of text that can be seen: its element, the text, and where its lines are. */
  texts() {
    const found = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement;
      if (!node.data.trim() || element.closest("option, script") || !this.isVisible(element)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const lines = [...range.getClientRects()].filter(({ width }) => width > 1);
      found.push({ element, text: node.data.trim(), lines });
    }
    return found;
  },

  /** Text of too little contrast, with its figure. */
  faint(least) {
    return this.texts()
      .map(({ element, text }) => {
        const ratio = this.contrast(getComputedStyle(element).color, this.behind(element));
        return [text, ratio];
      })
      .filter(([, ratio]) => ratio < least);
  },

  /** How the ring about what is focused stands out from what is around it. */
  ringContrast() {
    const element = document.activeElement;
    return this.contrast(getComputedStyle(element).outlineColor, this.behind(element.parentElement));
  },

  /** Text that sticks out of its box, or is cut off. */
  clipped() {
    const isOut = (line, box) => line.left < box.left - 1 || line.right > box.right + 1 ||
      line.top < box.top - 4 || line.bottom > box.bottom + 4;
    const texts = this.texts().filter(({ element, lines }) => {
      const box = element.closest("button, .field, li, dd, dt, p, header, section, footer");
      return lines.some((line) => isOut(line, box.getBoundingClientRect()));
    });
    const cut = [...document.querySelectorAll("body *:not(select, input)")].filter(
      (element) =>
        this.isVisible(element) &&
        getComputedStyle(element).overflowX !== "visible" &&
        element.scrollWidth > element.clientWidth + 1,
    );
    const measure = new OffscreenCanvas(1, 1).getContext("2d");
    const selects = [...document.querySelectorAll("select")].filter((select) => {
      const { font, paddingLeft, paddingRight } = getComputedStyle(select);
      measure.font = font;
      const arrow = 20;
      const taken = parseFloat(paddingLeft) + parseFloat(paddingRight) + arrow;
      return measure.measureText(select.selectedOptions[0]?.text ?? "").width + taken > select.clientWidth;
    });
    return [...texts.map(({ text }) => text), ...[...cut, ...selects].map(({ id, innerText }) => id || innerText)];
  },

  /** Pairs of controls, or of pieces of text, that lie on each other. */
  overlaps() {
    const all = [...document.querySelectorAll("button, select, input, canvas")].filter(
      (element) => this.isVisible(element) && !element.closest(".piano"),
    );
    const boxes = all.map((element) => [element.id || element.textContent, element.getBoundingClientRect()]);
    const texts = this.texts().filter(({ element }) => !element.closest(".piano"));
    const lines = texts.flatMap(({ text, lines: some }) => some.map((line) => [text, line]));
    return [...pairs(boxes), ...pairs(lines)];
  },

  /** Controls that are too small for a finger. */
  small(least) {
    const controls = [...document.querySelectorAll("button, select, input, .check")];
    return controls
      .filter((element) => this.isVisible(element) && !element.matches(".black, .check input"))
      .map((element) => [element.id || element.textContent, element.getBoundingClientRect()])
      .filter(([, { width, height }]) => Math.min(width, height) < least)
      .map(([name]) => name);
  },

  /** What can be worked, but has no name that a screen reader could say. */
  nameless() {
    return [...document.querySelectorAll("button, select, input, canvas, fieldset, [role=group]")]
      .filter((element) => {
        const labels = [...(element.labels ?? [])].map((label) => label.textContent).join("");
        const name = element.getAttribute("aria-label") || labels || element.textContent;
        return this.isVisible(element) && !name.trim();
      })
      .map((element) => element.outerHTML);
  },

  /** What the keyboard has come to, and how that is shown. */
  focused() {
    const element = document.activeElement;
    const drawn = element.matches("[type=radio]") ? element.nextElementSibling : element;
    return [this.name(element), getComputedStyle(drawn).outlineStyle];
  },

  name(element) {
    return element === document.body ? "" : element.id || element.textContent.trim() || element.value;
  },

  /** What the keyboard is to come to: all that can be worked, in the page's order. */
  reachable() {
    const all = document.querySelectorAll("a, :is(button, select, input):enabled");
    return [...all]
      .filter((element) => element.checkVisibility() && element.tabIndex >= 0)
      .filter((element) => !element.matches("[type=radio]:not(:checked)"))
      .map((element) => this.name(element));
  },
};
