// Arrow keys go through the strip, as Tab does.
"use strict";

const links = [...document.querySelectorAll("#strip a")];
document.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || event.target.matches("input, select")) return;
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)];
  if (next) {
    next.focus();
    event.preventDefault();
  }
});
