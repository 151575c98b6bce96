// Puts each station's news in its place, and says so when there has been none for too long.
"use strict";

const OLD_AFTER_MS = 3000;
const old = document.getElementById("old");
const cards = document.getElementById("cards");
const heat = document.getElementById("heat");
let heard = 0;

function place(event, part) {
  const { station, html } = JSON.parse(event.data);
  const card = [...cards.children].find((each) => each.dataset.station === station);
  if (!card) {
    location.reload(); // a station that was not there when the page was made
    return;
  }
  card.querySelector(part).innerHTML = html;
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

const source = new EventSource("/news");
for (const [name, part] of [["card", ".now"], ["desk", ".desk"]]) {
  source.addEventListener(name, (event) => place(event, part));
}
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
