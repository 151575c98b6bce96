// Arrow keys go through the strip, as Tab does; new parts come in by themselves, unless somebody is at one of them.
"use strict";

const EVERY_MS = 3000;
const parts = document.getElementById("parts");
const freeze = document.getElementById("freeze");

document.addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || event.target.matches("input, select")) return;
  const links = [...document.querySelectorAll("#strip a")];
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + step, 0), links.length - 1)];
  if (next) {
    next.focus();
    event.preventDefault();
  }
});

function isStill() {
  const isPressed = freeze.getAttribute("aria-pressed") === "true";
  return isPressed || document.hidden || window.scrollY > parts.offsetTop || parts.matches(":focus-within, :hover");
}

async function renew() {
  if (!isStill()) {
    const answer = await fetch(parts.dataset.strip);
    if (answer.status === 401) location.reload(); // the session is over
    const html = answer.ok ? await answer.text() : "";
    if (html && html !== parts.dataset.was && !isStill()) {
      parts.innerHTML = html;
      parts.dataset.was = html;
    }
  }
}

function goOn() {
  // Nobody answers now: the next time, perhaps.
  renew().catch((error) => { if (!(error instanceof TypeError)) throw error; })
    .finally(() => setTimeout(goOn, EVERY_MS));
}

if (freeze) {
  freeze.hidden = false;
  freeze.addEventListener("click", () => {
    freeze.setAttribute("aria-pressed", String(freeze.getAttribute("aria-pressed") === "false"));
  });
  setTimeout(goOn, EVERY_MS);
}
