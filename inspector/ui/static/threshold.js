// Moves the threshold: the line at once, the figures as soon as the page has reckoned them.
"use strict";

const WIDTH = 600;
const WAIT_MS = 80;
const slider = document.getElementById("slider");
const line = document.getElementById("line");
const said = document.getElementById("said");
const ask = document.getElementById("ask");
const asked = ask?.elements.threshold;
const chosen = document.getElementById("new");
let timer;
let request;

function move(value) {
  const low = Number(slider.min);
  const x = WIDTH * (value - low) / (Number(slider.max) - low);
  line.setAttribute("x1", x);
  line.setAttribute("x2", x);
  clearTimeout(timer);
  timer = setTimeout(reckon, WAIT_MS);
}

async function reckon() {
  request?.abort();
  request = new AbortController();
  try {
    const answer = await fetch(`${location.pathname}/said?${new URLSearchParams(new FormData(ask))}`, request);
    if (answer.redirected) location.href = answer.url; // the session is over
    if (answer.ok) said.innerHTML = await answer.text();
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function choose(value, ...others) {
  if (!Number.isFinite(value)) return;
  for (const each of others) if (each) each.value = value;
  move(value);
}

if (slider) {
  slider.hidden = false;
  slider.addEventListener("input", () => {
    const value = Number(Number(slider.value).toPrecision(4));
    choose(value, asked, chosen);
  });
  asked.addEventListener("input", () => choose(asked.valueAsNumber, slider, chosen));
  chosen?.addEventListener("input", () => choose(chosen.valueAsNumber, slider, asked));
}
