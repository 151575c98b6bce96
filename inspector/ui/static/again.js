// While something is at work, looks again and puts what the page says now in the place of what it said.
"use strict";

const EVERY_MS = 2000;
const RELEASED_MS = 100; // a click comes after the button's release
let isPressed = false;

const main = document.querySelector("main");
main.addEventListener("pointerdown", () => { isPressed = true; });
for (const name of ["pointerup", "pointercancel"]) {
  window.addEventListener(name, () => setTimeout(() => { isPressed = false; }, RELEASED_MS));
}

async function look() {
  const answer = await fetch(location.href);
  if (!answer.ok || answer.redirected) { // the session is over, or the page is broken: let the browser show it
    location.reload();
    return;
  }
  const now = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  if (isPressed || main.contains(document.activeElement) && document.activeElement.matches("input, select")) return;
  const focused = main.contains(document.activeElement) && document.activeElement.dataset.key;
  if (now.innerHTML !== main.innerHTML) main.innerHTML = now.innerHTML;
  if (focused) main.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  main.toggleAttribute("data-busy", now.hasAttribute("data-busy"));
}

function goOn() {
  if (!main.hasAttribute("data-busy")) return;
  // Nobody answers now: the next time, perhaps.
  look().catch((error) => { if (!(error instanceof TypeError)) throw error; })
    .finally(() => setTimeout(goOn, EVERY_MS));
}

setTimeout(goOn, EVERY_MS);
