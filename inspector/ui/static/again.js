// While something is at work, looks again and puts what the page says now in the place of what it said.
import { exchange, pressIn } from "./exchange.js";

const EVERY_MS = 2000;
const main = document.querySelector("main");
const press = pressIn(main);

async function look() {
  const answer = await fetch(location.href);
  if (!answer.ok || answer.redirected) { // the session is over, or the page is broken: let the browser show it
    location.reload();
    return;
  }
  const now = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  if (press.on || main.contains(document.activeElement) && document.activeElement.matches("input, select")) return;
  if (now.innerHTML !== main.innerHTML) exchange(main, now.innerHTML);
  main.toggleAttribute("data-busy", now.hasAttribute("data-busy"));
}

function goOn() {
  if (!main.hasAttribute("data-busy")) return;
  // Nobody answers now: the next time, perhaps.
  look().catch((error) => { if (!(error instanceof TypeError)) throw error; })
    .finally(() => setTimeout(goOn, EVERY_MS));
}

setTimeout(goOn, EVERY_MS);
