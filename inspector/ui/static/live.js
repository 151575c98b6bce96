// Puts each station's news in its place, and says so when there has been none for too long.
import { exchange, pressIn } from "./exchange.js";

const OLD_AFTER_MS = 3000;
const old = document.getElementById("old");
const cards = document.getElementById("cards");
const heat = document.getElementById("heat");
const freeze = document.getElementById("freeze");
const frozen = document.getElementById("frozen");
const held = new Map(); // the last news of each part of a card that came while it had to stay as it was
const press = pressIn(cards, hearHeld);
let heard = 0;

function hear(event, part) {
  const { station } = JSON.parse(event.data);
  const isPressed = station === press.on?.closest(".card")?.dataset.station;
  if (isPressed || (part === ".now" && isFrozen())) held.set(station + part, [event, part]);
  else place(event, part);
}

function hearHeld() {
  const news = [...held.values()];
  held.clear();
  for (const [event, part] of news) hear(event, part);
}

function place(event, part) {
  const { station, html } = JSON.parse(event.data);
  const card = [...cards.children].find((each) => each.dataset.station === station);
  if (!card) {
    location.reload(); // a station that was not there when the page was made
    return;
  }
  exchange(card.querySelector(part), html);
  showHeat(card);
}

function showHeat(within) {
  if (heat.getAttribute("aria-pressed") === "false") return;
  for (const image of within.querySelectorAll("img[data-heat-map]")) image.src = image.dataset.heatMap;
}

heat.addEventListener("click", () => {
  const isOn = heat.getAttribute("aria-pressed") === "false";
  heat.setAttribute("aria-pressed", String(isOn));
  for (const image of cards.querySelectorAll("img[data-heat-map]")) {
    image.src = isOn ? image.dataset.heatMap : image.dataset.heatMap.replace(/\/heat-map$/, "");
  }
});

function isFrozen() {
  return freeze.getAttribute("aria-pressed") === "true";
}

freeze.addEventListener("click", () => {
  freeze.setAttribute("aria-pressed", String(!isFrozen()));
  frozen.hidden = !isFrozen();
  hearHeld();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "f" && !event.ctrlKey && !event.metaKey && !event.altKey) freeze.click();
});

const source = new EventSource("/news");
source.addEventListener("desk", (event) => hear(event, ".desk"));
source.addEventListener("card", (event) => hear(event, ".now"));
for (const name of ["card", "desk", "alive"]) {
  source.addEventListener(name, () => { heard = Date.now(); old.hidden = true; });
}
source.addEventListener("over", () => { location.href = cards.dataset.login; });

setInterval(() => {
  if (!heard) return; // the style sheet says it when nothing comes at all
  const isOld = Date.now() - heard > OLD_AFTER_MS;
  old.hidden = !isOld;
  old.classList.toggle("told", isOld);
  cards.classList.toggle("old", isOld);
}, 500);
